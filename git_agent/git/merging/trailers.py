"""Trailers of commit messages ("Agent-Task: 7")."""

from __future__ import annotations

import re
from collections.abc import Sequence

from git_agent.git.repo import Repo

_TRAILER = r"[A-Za-z0-9-]+[ \t]*:|\(cherry picked from commit |Signed-off-by: "  # git-interpret-trailers(1)


def is_trailer(line: str) -> bool:
    """Return whether git reads a line as a trailer if it stands in the last paragraph of a message."""
    return re.match(_TRAILER, line) is not None


def add_trailers(repo: Repo, message: str, trailers: Sequence[tuple[str, str]]) -> str:
    """Add the trailers that a commit message lacks; return the message.

    message: the whole message.
    trailers: (key, value) pairs; a value is folded into one line.
    """
    given = tuple(each for key, value in trailers for each in ("--trailer", f"{key}={' '.join(value.split())}"))
    if not given:
        return message
    how = ("--no-divider", "--where", "end", "--if-exists", "addIfDifferent", "--if-missing", "add")
    text = (message.rstrip("\n") + "\n").encode("utf-8", "surrogateescape")
    return repo.git("-c", "trailer.separators=:", "interpret-trailers", *how, *given, stdin=text).text + "\n"
