"""What a program printed, without what only a terminal understands: colours, titles, cursor moves."""

from __future__ import annotations

import re

# ECMA-48: CSI sequences, OSC and other strings up to BEL or ST (cut off ones too), two-character escapes.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-Z\\^-~]"
)
_BACKSPACE = re.compile(r"[^\x08\n]\x08")


def plain(text: str) -> str:
    """Return text as it would stand on paper: sequences are taken out, a line that was written over shows the last.

    Other control characters stay; who shows the text makes them visible.
    """
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    while "\b" in text and text != (shorter := _BACKSPACE.sub("", text)):
        text = shorter
    return "\n".join(_last(line) for line in text.split("\n")) if "\r" in text else text


def _last(line: str) -> str:
    """A progress bar returns to the start of its line; what a shorter rewrite leaves standing is not worth keeping."""
    return next((part for part in reversed(line.split("\r")) if part), "")
