"""Output of programs as plain text, without what only a terminal understands: colours, titles, cursor moves."""

from __future__ import annotations

import re

# ECMA-48: CSI sequences, OSC and other strings up to BEL or ST (even if cut off), two-character escapes.
_SEQUENCE = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-Z\\^-~]"
_BACKSPACE = r"[^\x08\n]\x08"


def plain(text: str) -> str:
    """Return text without escape sequences; a line that was overwritten keeps only its last version.

    Other control characters stay, and must be escaped before the text is shown.
    """
    text = re.sub(_SEQUENCE, "", text).replace("\r\n", "\n")
    while "\b" in text and text != (shorter := re.sub(_BACKSPACE, "", text)):
        text = shorter
    return "\n".join(_last(line) for line in text.split("\n")) if "\r" in text else text


def _last(line: str) -> str:
    """Return the last version of a line: a progress bar rewrites it after a carriage return."""
    return next((part for part in reversed(line.split("\r")) if part), "")
