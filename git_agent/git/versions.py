"""Which git is installed, and whether it is recent enough."""

from __future__ import annotations

import functools
import re

from git_agent.errors import AgentError
from git_agent.git.run import git

MINIMUM = (2, 38, 0)  # merge-tree --write-tree and rebase --no-update-refs came with 2.38


@functools.cache
def git_version() -> tuple[int, int, int]:
    """Return the version of the git on PATH as three numbers; runs git once per process."""
    said = git("version").text
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", said)
    if not found:
        raise AgentError("no-git", f"can't read the version of git: {said}", "git --version")
    return int(found[1]), int(found[2]), int(found[3] or 0)


def require_git() -> None:
    """Raise AgentError (old-git) when the installed git is older than MINIMUM."""
    found = git_version()
    if found < MINIMUM:
        have, need = (".".join(map(str, each)) for each in (found, MINIMUM[:2]))
        raise AgentError("old-git", f"git {have} is too old", f"install git {need} or newer")
