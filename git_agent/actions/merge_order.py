"""In which order approved tasks are merged: parents first, then by priority, and what clashes least first."""

from __future__ import annotations

from git_agent.actions.sync import sync
from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.git import merges
from git_agent.store import tasks


def merge_order(app: App) -> list[Task]:
    """List the APPROVED tasks in the order to merge them."""
    sync(app)
    left = tasks.listing([State.APPROVED])
    clashes = _clashes(app, left)
    parents = tasks.parents([t.id for t in left])
    order: list[Task] = []
    while left:
        waiting = {t.id for t in left}
        free = [t for t in left if not waiting & set(parents[t.id])] or left
        chosen = min(free, key=lambda t: (t.priority, len(clashes[t.id] & waiting), t.id))
        order.append(chosen)
        left.remove(chosen)
    return order


def _clashes(app: App, found: list[Task]) -> dict[int, set[int]]:
    heads = app.heads
    clashes: dict[int, set[int]] = {t.id: set() for t in found}
    for at, one in enumerate(found):
        for other in found[at + 1 :]:
            a, b = heads.get(one.branch or ""), heads.get(other.branch or "")
            if a and b and isinstance(merges.try_merge(app.repo, a, b), merges.Conflict):
                clashes[one.id].add(other.id)
                clashes[other.id].add(one.id)
    return clashes
