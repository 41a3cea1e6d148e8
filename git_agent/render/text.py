"""Text from others made safe to show, measured and cut in terminal columns; times as people read them.

Everything that came from outside (titles, messages, branch names, paths, output of programs) passes `visible`
before it is printed: escape sequences could move the cursor or set the clipboard, bidi and invisible
characters make a person read something else than an agent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from git_agent.domain.spelling import IGNORABLE

_EMOJI = re.compile(
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff"
    f"\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff{IGNORABLE}]"
)
_CURSIVE = re.compile("[\u0620-\u065f\u066e-\u06d3\u06fa-\u077f\u08a0-\u08ff]")
_PREPENDED = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ZWNJ, _ZWJ, _TEXT_STYLE, _EMOJI_STYLE, _KEYCAP = "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
_VIRAMA = 9


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
    return _UNSAFE.sub(lambda found: _shown(found, multiline), text)


def width(text: str) -> int:
    """Return the columns that text, already made visible, takes on a terminal.

    East Asian wide and emoji are 2 (Unicode UAX 11), marks and joiners 0, a joined emoji 2 as a whole.
    """
    return len(text) if text.isascii() else sum(columns for _, columns in _cells(text))


def cut(text: str, columns: int) -> str:
    """Return text, shortened with '…' where it is wider than columns; nothing is cut from its marks."""
    if width(text) <= columns:
        return text
    kept, used = [], 1
    for cell, cell_columns in _cells(text):
        used += cell_columns
        if used > columns:
            break
        kept.append(cell)
    return "".join(kept) + "…" if columns > 0 else ""


def pad(text: str, columns: int, right: bool = False) -> str:
    """Return text filled with spaces up to columns; right: the text stands at the right. Never cuts."""
    spaces = " " * (columns - width(text))
    return spaces + text if right else text + spaces


def age(seconds: float | None) -> str:
    """Return `5s`, `3m`, `2h`, `4d`, rounded down; `-` for None, `0s` for the future (a clock set back)."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"


def rfc3339(ms: int) -> str:
    """Return milliseconds since the epoch as `2024-05-01T12:00:00.123Z`, in UTC; it sorts as text."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _shown(found: re.Match[str], multiline: bool) -> str:
    char = found[0]
    if (multiline and char in "\n\t") or _belongs(char, found.string, found.start()):
        return char
    if char in _SHORT:
        return _SHORT[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _belongs(char: str, text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if char == _EMOJI_STYLE:
        return bool(_EMOJI.match(before)) or (before in set("0123456789#*") and after == _KEYCAP)
    if char == _TEXT_STYLE:
        return bool(_EMOJI.match(before))
    if char not in (_ZWJ, _ZWNJ) or not before:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if char == _ZWNJ:
        return bool(_CURSIVE.match(before) and _CURSIVE.match(after))
    return bool(_EMOJI.match(text[at - 2] if before == _EMOJI_STYLE else before) and _EMOJI.match(after))


def _cells(text: str) -> Iterator[tuple[str, int]]:
    """Yield each character with the marks and emoji that hang on it, and its columns."""
    cell, columns = "", 0
    for char in text:
        own = _columns(char)
        if cell and (own == 0 or _joins(cell, char)):
            cell += char
            columns = 2 if char == _EMOJI_STYLE and columns == 1 else columns
            continue
        if cell:
            yield cell, columns
        cell, columns = char, own
    if cell:
        yield cell, columns


def _joins(cell: str, char: str) -> bool:
    if cell[-1] == _ZWJ:
        return bool(_EMOJI.match(char)) and bool(_EMOJI.match(cell))
    return "\U0001f3fb" <= char <= "\U0001f3ff" and bool(_EMOJI.match(cell))


def _columns(char: str) -> int:
    if "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7ff":
        return 0
    if unicodedata.category(char) in ("Mn", "Me", "Cf", "Cc", "Zl", "Zp") and not _PREPENDED.match(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
