"""Our block between two markers in a file that belongs to somebody else."""

from __future__ import annotations

import re

from git_agent.errors import refused

BEGIN = "<!-- git-agent: begin -->"
END = "<!-- git-agent: end -->"
_NOTE = "<!-- `git agent init --agents-md` rewrites the text between these markers; everything else is yours. -->"
_MARK = re.compile(rf"^[ \t]*({re.escape(BEGIN)}|{re.escape(END)})[ \t]*\r?$", re.MULTILINE)


def replace_block(held: str, part: str) -> str:
    """Return a text with our block replaced, or added at the end; everything else is unchanged.

    held: the text
    part: the new content of the block, with line feeds; it gets the line endings of the text

    Raises AgentError (exit 3) unless there are no markers, or one pair of them.
    """
    ends = "\r\n" if "\r\n" in held else "\n"
    made = ends.join([BEGIN, _NOTE, *part.rstrip("\n").split("\n"), END])
    marks = list(_MARK.finditer(held))
    if not marks:
        between = "" if not held else ends if held.endswith("\n") else ends * 2
        return held + between + made + ends
    if [mark[1] for mark in marks] != [BEGIN, END]:
        says = f"the markers of git agent are not a pair ({len(marks)} found)"
        raise refused("broken-markers", says, f"keep one '{BEGIN}' and one '{END}' below it, or neither")
    first, last = marks
    end = last.end() - 1 if last[0].endswith("\r") else last.end()
    return held[: first.start()] + made + held[end:]
