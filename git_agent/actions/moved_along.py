"""Find a worktree again whose repository was moved together with it."""

from __future__ import annotations

import os

from git_agent.actions.home import home
from git_agent.app import App
from git_agent.git import places
from git_agent.git.state import way_home
from git_agent.store.attempts import Standing


def moved_along(app: App, each: Standing) -> str | None:
    """Return where the worktree is now, when the directory that holds the repository and its worktrees was moved.

    It is where it would be made now and names this registration; neither it nor the repository is where it was, and
    HEAD is on the attempt's branch (or git is in the middle of something).
    """
    if os.path.lexists(each.worktree):
        return None
    path, spot = os.path.join(home(app), os.path.basename(each.worktree)), places.spot(app.repo.common_dir, each.admin)
    before = way_home(path)
    if os.path.basename(before) != each.admin or os.path.lexists(before) or spot is None:
        return None
    return path if spot.head in (None, each.branch) and not os.path.lexists(spot.path or "") else None
