"""Make the directories above a file that is put into a worktree."""

from __future__ import annotations

import os

from git_agent.errors import refused


def make_parents(target: str, path: str) -> None:
    """Make the directories of path, which is relative to the worktree target.

    A directory of the commit may be a symbolic link; nothing is written through it to somewhere else. Raises AgentError
    (exit 3) then.
    """
    directory, root = os.path.dirname(os.path.join(target, path)), os.path.realpath(target)
    if os.path.commonpath([os.path.realpath(directory), root]) != root:
        says = f"'{path}' would be written outside of the worktree, through a symbolic link"
        raise refused("leads-outside", says, "take it out of agent.copy, agent.link and .worktreeinclude")
    os.makedirs(directory, exist_ok=True)
