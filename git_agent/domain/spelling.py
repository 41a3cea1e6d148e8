"""What is wrong with a text, a name or a ref: each function names the broken rule, or returns None.

Read through `names`, which turns a fault into the error that a user sees.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME = 60
"""Bytes of UTF-8 in a name: with id, attempt and `.lock` far below the 255 bytes of a file name."""
MAX_COMPONENT = 250
"""Bytes between two slashes of a branch: 255, the usual limit of a file name, less git's `.lock`."""

IGNORABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
"""Marks and letters that show nothing (Unicode: Default_Ignorable), for a regular expression's class."""

RESERVED = frozenset(
    (
        *("head", "fetch_head", "orig_head", "merge_head", "cherry_pick_head", "revert_head", "rebase_head"),
        *("bisect_head", "auto_merge", "main", "master", "@", "con", "prn", "aux", "nul"),
        *(f"{device}{digit}" for device in ("com", "lpt") for digit in range(1, 10)),
    )
)
"""Names, folded, that git or a file system reads as something else."""

HIDDEN = re.compile(f"[{IGNORABLE}]")
"""Finds a character that shows nothing."""
_NAME_MARKS = re.compile(r"""[~^:?*\[\\$`'";&|<>(){}!#%]""")
_GIT_MARKS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ATTEMPT = re.compile(r"\.a\d+\Z", re.IGNORECASE)
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
    """Say why a text can't be stored: NUL (PostgreSQL refuses it), or not UTF-8 (a lone surrogate)."""
    if "\0" in text:
        return "it holds a NUL"
    return _CATEGORY_FAULTS["Cs"] if _SURROGATE.search(text) else None


def characters_fault(text: str) -> str | None:
    """Say which character of a name, or of a part of a branch prefix, is not allowed."""
    for category in map(unicodedata.category, text):
        if category in _CATEGORY_FAULTS:
            return _CATEGORY_FAULTS[category]
    if HIDDEN.search(text):
        return _CATEGORY_FAULTS["Cf"]
    found = _NAME_MARKS.search(text)
    return f"it contains {found[0]!r}" if found else None


def name_fault(name: str) -> str | None:
    """Say which rule a name breaks; the name is in NFC."""
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
        return "only digits would look like an id"
    return "it ends like an attempt (.a2)" if _ATTEMPT.search(name) else None


def ref_fault(ref: str) -> str | None:
    """Say what git-check-ref-format(1) with --branch, or a file system, has against a branch."""
    parts = ref.split("/")
    if _SURROGATE.search(ref):
        return _CATEGORY_FAULTS["Cs"]
    if ref in ("", "@", "HEAD"):
        return "it is empty" if not ref else "it is reserved"
    if ref.startswith("-"):
        return "it starts with '-'"
    if found := _GIT_MARKS.search(ref):
        return f"it contains {found[0]!r}"
    if ".." in ref or "@{" in ref or "" in parts:
        return "it contains '..', '@{', '//', or a '/' at an end"
    if ref.endswith(".") or any(part.startswith(".") or part.endswith(".lock") for part in parts):
        return "a part starts with '.', or ends in '.lock' or '.'"
    if max(len(part.encode()) for part in parts) > MAX_COMPONENT:
        return f"a part is longer than {MAX_COMPONENT} bytes"
    return None
