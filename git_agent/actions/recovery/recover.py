"""Look for what dead processes left half done, and finish it or take it back; says so in one line each."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.store.intents import Intent


def recover(app: App) -> list[str]:
    """Look for intents of dead processes; one query and two empty directories where there are none.

    Returns a line for each repair.
    """
    lines: list[str] = []
    for intent in app.store.intents.pending():
        lines.extend(_mended(app, intent))
    if lines or any(_holds_something(os.path.join(app.store_dir, name)) for name in ("scratch", "trash")):
        from git_agent.git.worktrees.scratch import delete_leftovers

        delete_leftovers(app.repo)
    return lines


def _holds_something(directory: str) -> bool:
    try:
        return bool(os.listdir(directory))
    except OSError:
        return False


def _mended(app: App, intent: Intent) -> list[str]:
    # Loaded only here: there is almost never anything to mend, and every verb looks.
    from git_agent.actions.recovery.mend import mend
    from git_agent.proc import processes

    return mend(app, intent) if processes.is_gone(intent.owner) else []
