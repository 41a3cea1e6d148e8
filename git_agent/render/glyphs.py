"""Characters beyond printable ASCII: which are unsafe to show, and which belong together.

This is separate from `text`, which needs none of it for printable ASCII: the patterns take a millisecond to compile.
"""

from __future__ import annotations

import re
import unicodedata

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
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ZWNJ, _ZWJ, _TEXT_STYLE, _EMOJI_STYLE, _KEYCAP = "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
_VIRAMA = 9


def escape(text: str, multiline: bool) -> str:
    """Return text with unsafe characters escaped (see text.visible). multiline: keep newlines and tabs."""
    return _UNSAFE.sub(lambda found: _shown(found, multiline), text)


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
    if before == _EMOJI_STYLE:
        before = text[max(at - 2, 0) : at - 1]
    return bool(_EMOJI.match(before) and _EMOJI.match(after))
