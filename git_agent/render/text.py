"""Text for display: untrusted text made safe, measured and cut in terminal columns; times for people.

All text from outside (titles, messages, branch names, paths, output of programs) passes through `visible` before it is
printed. Escape sequences could move the cursor or set the clipboard; bidi and invisible characters would make a person
read something else than an agent.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from git_agent.domain.durations import spell

if TYPE_CHECKING:
    from git_agent.errors import AgentError


def visible(text: str, multiline: bool = False) -> str:
    r"""Escape what could deceive a reader or control a terminal: `\x1b`, `\u202e`, `\n`.

    Escaped are C0, DEL, C1, bidi controls, zero-width and other invisible characters, tags, U+2028/9 and lone
    surrogates. Joiners and variation selectors stay only where they belong: inside an emoji, after a virama or between
    Arabic letters (the CONTEXTJ rules of RFC 5892 A.1 and A.2, slightly narrower). A backslash is not escaped, so the
    result is for display only and can't be decoded.

    multiline: keep newlines and tabs, and treat CR LF as a newline
    """
    if text.isascii() and text.isprintable():
        return text
    if multiline:
        text = text.replace("\r\n", "\n")
    from git_agent.render.glyphs import escape

    return escape(text, multiline)


def error_lines(error: AgentError) -> list[str]:
    """Return an error as lines for people: message, details, hint. A line of git that is the message is left out."""
    hint = [f"hint: {visible(error.hint)}"] if error.hint else []
    more = [line for line in error.details if re.sub(r"^(?:fatal|error): ", "", line).rstrip(".") != error.message]
    return [f"error: {visible(error.message)}", *(f"  {visible(line)}" for line in more), *hint]


def width(text: str) -> int:
    """Return the columns that text, already escaped, takes on a terminal.

    Beyond ASCII, rich knows the widths: East Asian wide characters and emoji take 2, a joined emoji takes 2 as a whole.
    """
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, columns: int) -> str:
    """Return text, shortened with '…' if it is wider than columns; a character keeps its marks."""
    if width(text) <= columns:
        return text
    if text.isascii():
        return text[: columns - 1] + "…" if columns > 0 else ""
    from rich.cells import set_cell_size

    # rich pads with a space where it would have to halve a wide character.
    return set_cell_size(text, columns - 1).rstrip(" ") + "…" if columns > 0 else ""


def pad(text: str, columns: int, right: bool = False) -> str:
    """Return text padded with spaces to columns, never cut. right: align the text to the right."""
    spaces = " " * (columns - width(text))
    return spaces + text if right else text + spaces


def age(seconds: float | None) -> str:
    """Format an age as `5s`, `3m`, `2h` or `4d`, rounded down; `-` for None, `0s` for the future (a clock set back)."""
    return "-" if seconds is None else spell(seconds)


def rfc3339(ms: int) -> str:
    """Format milliseconds since the epoch as `2024-05-01T12:00:00.123Z` in UTC, which sorts as text."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
