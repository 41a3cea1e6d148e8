"""Which ignored files every new worktree gets a copy of."""

from __future__ import annotations

import os

from git_agent.config import Config
from git_agent.git import ignored


def copied(source: str, config: Config) -> list[str]:
    """List the files, relative to the main worktree, that `agent.copy` and `.worktreeinclude` name.

    source: the main worktree; nothing is asked of git where neither is there.
    """
    include = os.path.join(source, ".worktreeinclude")
    files = [include] if os.path.isfile(include) else []
    patterns = config.several("agent.copy")
    return ignored.matching(source, patterns, files) if files or patterns else []
