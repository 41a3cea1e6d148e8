"""Check texts, names and refs: each function returns the rule that its argument breaks, or None.

`names` turns these faults into the errors that users see.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 60
"""Bytes of UTF-8 in a name. With id, attempt and `.lock` it stays far below the 255 bytes of a file name."""
MAX_COMPONENT = 250
"""Bytes between two slashes of a branch: 255, the usual limit of a file name, less git's `.lock`."""

IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
"""Invisible marks and letters (Unicode: Default_Ignorable_Code_Point), for a character class."""

RESERVED = frozenset(
    (
        *("head", "fetch_head", "orig_head", "merge_head", "cherry_pick_head", "revert_head", "rebase_head"),
        *("bisect_head", "auto_merge", "main", "master", "@", "con", "prn", "aux", "nul"),
        *(f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)),
    )
)
"""Case-folded names that have another meaning for git or a file system."""

HIDDEN = f"[{IGNORABLE}]"
"""Matches an invisible character."""
_NAME_MARKS = r"""[~^:?*\[\\$`'";&|<>(){}!#%]"""
_GIT_MARKS = r"[\x00-\x20\x7f~^:?*\[\\]"
_SURROGATE = "[\ud800-\udfff]"
_ATTEMPT = r"(?i)\.a\d+\Z"
_CATEGORY_FAULTS = {
    "Cc": "it holds a control character",
    "Cf": "it holds an invisible character (bidi, zero-width or format)",
    "Cs": "it is not valid UTF-8",
    "Co": "it holds a private-use character",
    "Cn": "it holds an unassigned character",
    "Zs": "it holds white space",
    "Zl": "it holds white space",
    "Zp": "it holds white space",
}


def text_fault(text: str) -> str | None:
    """Return why a text can't be stored: it has a NUL (which PostgreSQL refuses) or a lone surrogate (not UTF-8)."""
    if "\0" in text:
        return "it holds a NUL"
    return _CATEGORY_FAULTS["Cs"] if re.search(_SURROGATE, text) else None


def characters_fault(text: str) -> str | None:
    """Return which character of a name, or of a component of a branch prefix, is not allowed."""
    for category in map(unicodedata.category, text):
        if category in _CATEGORY_FAULTS:
            return _CATEGORY_FAULTS[category]
    if re.search(HIDDEN, text):
        return _CATEGORY_FAULTS["Cf"]
    found = re.search(_NAME_MARKS, text)
    return f"it contains {found[0]!r}" if found else None


def name_fault(name: str) -> str | None:
    """Return the rule that a name breaks. name: in NFC."""
    if not name:
        return "it is empty"
    if fault := characters_fault(name):
        return fault
    if len(name.encode()) > MAX_NAME:
        return f"it is longer than {MAX_NAME} bytes"
    if name[0] in "-.@" or unicodedata.category(name[0])[0] == "M":
        return f"it starts with {name[0]!r}"
    if found := next((mark for mark in ("/", "..", "@{") if mark in name), None):
        return f"it contains {found!r}"
    return _alike_fault(name)


def _alike_fault(name: str) -> str | None:
    if name.endswith(".") or name.casefold().endswith(".lock"):
        return "it ends in '.' or '.lock'"
    if name.isdecimal():
        return "digits alone would look like an id"
    return "it ends like an attempt (.a2)" if re.search(_ATTEMPT, name) else None


def ref_fault(ref: str) -> str | None:
    """Return why git-check-ref-format(1) with --branch, or a file system, would refuse a branch."""
    parts = ref.split("/")
    if re.search(_SURROGATE, ref):
        return _CATEGORY_FAULTS["Cs"]
    if ref in ("", "@", "HEAD"):
        return "it is empty" if not ref else "it is reserved"
    if ref.startswith("-"):
        return "it starts with '-'"
    if found := re.search(_GIT_MARKS, ref):
        return f"it contains {found[0]!r}"
    if ".." in ref or "@{" in ref or "" in parts:
        return "it contains '..', '@{', '//', or a '/' at an end"
    if ref.endswith(".") or any(part.startswith(".") or part.endswith(".lock") for part in parts):
        return "a part starts with '.', or ends in '.lock' or '.'"
    if max(len(part.encode()) for part in parts) > MAX_COMPONENT:
        return f"a part is longer than {MAX_COMPONENT} bytes"
    return None
