"""A block of ours between two markers in somebody else's text."""

from __future__ import annotations

import re

from git_agent.errors import refused

BEGIN = "<!-- git-agent: begin -->"
END = "<!-- git-agent: end -->"
_NOTE = "<!-- `git agent init --agents-md` writes what is between these marks; what is beside them is yours. -->"
_MARK = re.compile(rf"^[ \t]*({re.escape(BEGIN)}|{re.escape(END)})[ \t]*\r?$", re.MULTILINE)


def replace_block(held: str, part: str) -> str:
    """Return a text with our part in it: where it was, or at the end; the rest stays as it is.

    part: with line feeds; it gets the text's own line ends. Raises AgentError (exit 3) for markers that are not a pair.
    """
    ends = "\r\n" if "\r\n" in held else "\n"
    made = ends.join([BEGIN, _NOTE, *part.rstrip("\n").split("\n"), END])
    marks = list(_MARK.finditer(held))
    if not marks:
        between = "" if not held else ends if held.endswith("\n") else ends * 2
        return held + between + made + ends
    if [mark[1] for mark in marks] != [BEGIN, END]:
        says = f"the markers of git agent are no pair ({len(marks)} found)"
        raise refused("broken-markers", says, f"leave one '{BEGIN}' and one '{END}' below it, or none")
    first, last = marks
    end = last.end() - 1 if last[0].endswith("\r") else last.end()
    return held[: first.start()] + made + held[end:]
