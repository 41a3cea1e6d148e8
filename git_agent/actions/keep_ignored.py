"""Keep ignored files aside that stand nowhere else, before their worktree goes: git would delete them silently."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from git_agent.actions.loose import loose
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.git.state import Change
from git_agent.store import facts


def keep_ignored(app: App, task: Task, worktree: str, changes: Sequence[Change]) -> str | None:
    """Link or copy the loose ignored files of a worktree into the store's directory; return where, None for none.

    changes: its status, with what is ignored. They may be secrets, so they become no git objects; the directory is
    this user's alone.
    """
    names = loose(app, worktree, changes).kept
    if not names:
        return None
    kept = _made(app, task.id)
    for name in names:
        there = os.path.join(kept, name)
        os.makedirs(os.path.dirname(there), mode=0o700, exist_ok=True)
        _keep(os.path.join(worktree, name), there)
    return kept


def _made(app: App, task: int) -> str:
    """Make a directory whose number was never used, so that no older removal takes its files for its own."""
    home, fact = os.path.join(app.store_dir, "kept", str(task)), f"{facts.KEPT}{task}"
    os.makedirs(home, mode=0o700, exist_ok=True)
    there = max((int(name) for name in os.listdir(home) if name.isdecimal()), default=0)
    with app.store.transaction():
        number = max(int(facts.get(fact) or 0), there) + 1
        facts.put(fact, str(number))
    path = os.path.join(home, str(number))
    os.mkdir(path, 0o700)
    return path


def _keep(here: str, there: str) -> None:
    """A link takes no room, whatever the size, and the other name goes with the worktree."""
    try:
        os.link(here, there, follow_symlinks=False)
    except OSError:
        shutil.copy2(here, there, follow_symlinks=False)
