"""Look for signs of work in the worktrees of workers that were not heard of, and record what is found."""

from __future__ import annotations

import os
from collections.abc import Mapping

from git_agent.app import App
from git_agent.domain.lease import Lease
from git_agent.git import activity
from git_agent.store import attempts, leases

_EACH, _ALL = 2000, 12_000  # files looked at: 25 ms at most for one command, however many workers are quiet
_MOST = 24


def hear(app: App, silent: Mapping[int, Lease]) -> set[int]:
    """Look at the worktrees of silent workers, of some dozens at most; return the tasks in which work was seen.

    silent: their leases, those first that are to be looked at first.
    """
    looked_at = list(silent)[:_MOST]
    places = attempts.places(looked_at)
    budget = min(_EACH, _ALL // max(1, len(places)))
    seen: dict[int, int] = {}
    for task in looked_at:
        if task in places:
            worktree, admin = places[task]
            admin_dir = os.path.join(app.repo.common_dir, "worktrees", admin)
            at = activity.latest(worktree, admin_dir, silent[task].progress_at, budget=budget)
            seen |= {} if at is None else {task: at}
    if seen:
        lease_s = app.config.seconds("agent.lease")
        with app.store.transaction():
            for task, at in seen.items():
                leases.heard(task, at, lease_s)
    return set(seen)
