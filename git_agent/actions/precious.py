"""Ignored files that hold work all the same: an edited `.env`, a local database."""

from __future__ import annotations

import filecmp
import os

from git_agent.app import App


def precious(app: App, worktree: str) -> list[str]:
    """List the ignored files of a worktree that stand in the main worktree, too, but differ from it."""
    main = app.repo.main_worktree
    if main is None:
        return []
    ignored = [c.path for c in app.repo.status(worktree, ignored=True) if c.code == "!!"]
    return [name for name in ignored if _differs(os.path.join(main, name), os.path.join(worktree, name))]


def _differs(original: str, copy: str) -> bool:
    if not os.path.isfile(original) or not os.path.isfile(copy) or os.path.islink(copy):
        return False
    return not filecmp.cmp(original, copy, shallow=False)
