"""Find the user's hooks that do not run in a worktree, because their directory is not committed.

core.hooksPath may be relative to the worktree. husky keeps its hooks in such a directory (`.husky/_`), which git
ignores: a new worktree has none until husky runs there, and git says nothing about it.
"""

from __future__ import annotations

import os

from git_agent.files import read_or_empty
from git_agent.git.hooks.scripts import hook_kind
from git_agent.git.hooks.settings import hooks_path
from git_agent.git.repo import Repo


def silent_directory(repo: Repo, worktree: str) -> str | None:
    """Return a relative core.hooksPath with hooks in the main worktree that this worktree does not have; else None.

    Costs no process without core.hooksPath in the repository's configuration.
    """
    config = read_or_empty(os.path.join(repo.common_dir, "config"))
    if b"hookspath" not in config.lower() or (path := hooks_path(repo)) is None or os.path.isabs(path):
        return None
    return path if _has_hooks(repo.main_worktree, path) and not _has_hooks(worktree, path) else None


def _has_hooks(worktree: str | None, path: str) -> bool:
    """Tell whether a hooks directory has a hook of the user's."""
    directory = os.path.join(worktree or os.devnull, path)
    try:
        files = [os.path.join(directory, name) for name in os.listdir(directory)]
    except OSError:
        return False
    runs = (each for each in files if os.path.isfile(each) and os.access(each, os.X_OK))
    return any(hook_kind(read_or_empty(each)) != "own" for each in runs)
