"""List the tasks that can be claimed, and what blocks the others."""

from __future__ import annotations

from git_agent.actions.attempts.startable import find_unstartable
from git_agent.actions.path_claims.overlaps import claim_conflicts
from git_agent.actions.views.task import TaskView, view
from git_agent.app import App
from git_agent.domain.gates import Blocked, blocked
from git_agent.domain.task import State
from git_agent.record import Record


class Ready(Record):
    """The OPEN tasks.

    tasks: those that can be claimed, in the order of the queue.
    blocked: why the others can't be claimed.
    """

    tasks: tuple[TaskView, ...]
    blocked: tuple[Blocked, ...]


def ready(app: App) -> Ready:
    """List the tasks that can be claimed now, and what blocks the other OPEN ones."""
    queue = app.store.queue.in_order(app.store.tasks.listing([State.OPEN]))
    app.store.tasks.read_ahead(queue)
    blockers = app.store.tasks.blockers([t.id for t in queue])
    limit, now = app.config.number("agent.maxAttempts"), app.store.now()
    why = {t.id: blocked(t, blockers[t.id], now, limit) for t in queue}
    why |= find_unstartable(app, [t for t in queue if why[t.id] is None])
    why |= claim_conflicts(app, [t for t in queue if why[t.id] is None]).blocked
    free = [t for t in queue if why[t.id] is None]
    return Ready(tuple(view(app, free, counts=False) if free else ()), tuple(b for b in why.values() if b is not None))
