"""Text from others made safe to show, measured and cut in terminal columns; times as people read them.

Everything that came from outside (titles, messages, branch names, paths, output of programs) passes `visible`
before it is printed: escape sequences could move the cursor or set the clipboard, bidi and invisible
characters make a person read something else than an agent.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from git_agent.domain.durations import spell


def visible(text: str, multiline: bool = False) -> str:
    r"""Return text with what could deceive a reader or drive a terminal as escapes: `\x1b`, `\u202e`, `\n`.

    multiline: newline and tab stay, and CR LF is a newline. Escaped are C0, DEL, C1, bidi controls,
    zero-width and other invisible characters, tags, U+2028/9, lone surrogates. Joiners and variation
    selectors stay only where they belong: inside an emoji, after a virama or between Arabic letters (the
    CONTEXTJ rules of RFC 5892 A.1 and A.2, a little narrower). A backslash stays as it is, so this is for the
    eye, and can't be undone.
    """
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        text = text.replace("\r\n", "\n")
    from git_agent.render.glyphs import escape

    return escape(text, multiline)


def width(text: str) -> int:
    """Return the columns that text, already made visible, takes on a terminal.

    rich knows the width of what is not ASCII: East Asian wide and emoji are 2, a joined emoji 2 as a whole.
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, columns: int) -> str:
    """Return text, shortened with '…' where it is wider than columns; nothing is cut from its marks."""
    if width(text) <= columns:
        return text
    if text.isascii():
        return text[: columns - 1] + "…" if columns > 0 else ""
    from rich.cells import set_cell_size

    # rich fills up with a space where half a wide character would stand.
    return set_cell_size(text, columns - 1).rstrip(" ") + "…" if columns > 0 else ""


def pad(text: str, columns: int, right: bool = False) -> str:
    """Return text filled with spaces up to columns; right: the text stands at the right. Never cuts."""
    spaces = " " * (columns - width(text))
    return spaces + text if right else text + spaces


def age(seconds: float | None) -> str:
    """Return `5s`, `3m`, `2h`, `4d`, rounded down; `-` for None, `0s` for the future (a clock set back)."""
    return "-" if seconds is None else spell(seconds)


def rfc3339(ms: int) -> str:
    """Return milliseconds since the epoch as `2024-05-01T12:00:00.123Z`, in UTC; it sorts as text."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
