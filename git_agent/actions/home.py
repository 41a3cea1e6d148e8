"""Where the worktrees of this repository go."""

from __future__ import annotations

import os

from git_agent.app import App


def home(app: App) -> str:
    """Return the absolute path of the directory that holds the worktrees of tasks; it need not exist."""
    repo = app.repo
    where = repo.main_worktree or _home_of_bare(repo.common_dir)
    given = app.config.text("agent.worktreeDir")
    chosen = os.path.expanduser(given) if given else f"../{os.path.basename(where).removesuffix('.git')}.worktrees"
    return os.path.normpath(os.path.join(where, chosen))


def _home_of_bare(common_dir: str) -> str:
    """A hidden bare repository (`project/.bare`) stands for the directory it is in."""
    hidden = os.path.basename(common_dir).startswith(".")
    return os.path.dirname(common_dir) if hidden else common_dir
