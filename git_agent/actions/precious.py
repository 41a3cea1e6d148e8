"""Ignored files that hold work all the same: an edited `.env`, a local database."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence

from git_agent.app import App
from git_agent.git.state import IGNORED, Change


def precious(app: App, worktree: str, changes: Sequence[Change]) -> list[str]:
    """List the ignored files of a worktree that stand in the main worktree, too, but differ from it.

    changes: its status, with what is ignored.
    """
    main = app.repo.main_worktree
    if main is None:
        return []
    ignored = [c.path for c in changes if c.code == IGNORED]
    return [name for name in ignored if _differs(os.path.join(main, name), os.path.join(worktree, name))]


def _differs(original: str, copy: str) -> bool:
    if not os.path.isfile(original) or not os.path.isfile(copy) or os.path.islink(copy):
        return False
    return not filecmp.cmp(original, copy, shallow=False)
