"""Tell what happened: statistics, the log, and events as they come."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.actions.lookup import own_commits
from git_agent.actions.reconcile.reconcile import queue_notices, reconcile
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.message import Message
from git_agent.domain.task import State, Task
from git_agent.git.history import Commit


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a period. median_s: seconds a stay in a state lasted; counts: tasks now; the rest: of the period."""

    since_ms: int
    counts: Mapping[State, int]
    median_s: Mapping[State, float]
    completed: int
    failed: int
    sent_back: int
    attempts: int


def stats(app: App, *, days: float = 30.0) -> Stats:
    """Compute the figures of the last days, from the events of that time alone."""
    since = app.store.now() - int(days * 86_400_000)
    entered: dict[int, tuple[State, int]] = {}
    stays: dict[State, list[float]] = defaultdict(list)
    kinds: dict[str, int] = defaultdict(int)
    for event in app.store.events.changes_since(since):
        kinds[event.kind] += 1
        if event.task is None or event.target is None:
            continue
        if event.task in entered:
            state, at = entered[event.task]
            stays[state].append((event.at - at) / 1000)
        entered[event.task] = (event.target, event.at)
    return Stats(
        since,
        app.store.tasks.count_by_state(),
        {state: statistics.median(times) for state, times in stays.items()},
        completed=kinds["task.merged"],
        failed=kinds["task.failed"] + kinds["task.exhausted"],
        sent_back=kinds["task.changes-requested"] + kinds["task.conflicted"] + kinds["task.check-failed"],
        attempts=sum(kinds[f"task.{k}"] for k in ("spawned", "claimed", "reassigned")),
    )


LIMIT = 200


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log. at: ms since the epoch; exactly one of the others is given."""

    at: int
    event: Event | None = None
    message: Message | None = None
    commit: Commit | None = None


def log(app: App, task: Task | None, *, since_ms: int | None = None, limit: int = LIMIT) -> list[LogEntry]:
    """List what happened to a task, or to all without one, oldest first.

    since_ms: not older than this, ms since the epoch; limit: at most so many of each kind, the newest.
    """
    found = [
        LogEntry(e.at, event=e)
        for e in app.store.events.of_task(task.id if task else None, since_ms=since_ms, limit=limit)
    ]
    if task is not None:
        found += [
            LogEntry(m.sent_at, message=m) for m in app.store.messages.of_task(task.id, since_ms=since_ms, limit=limit)
        ]
        found += [LogEntry(c.time * 1000, commit=c) for c in own_commits(app, task, limit)]
    kept = [e for e in found if since_ms is None or e.at >= since_ms]
    return sorted(kept, key=lambda e: e.at)[-limit:]


PAGE = 500


@dataclass(frozen=True, slots=True)
class Watched:
    """What one round saw. events: oldest first, at most a page; asks: a remote has to be asked, in the background."""

    events: tuple[Event, ...]
    asks: bool = False


def watch(app: App, after: int, *, looks: bool, kept: bool) -> Watched:
    """List the events after a number.

    looks: mend, drain and reconcile before; kept: nobody reads along, so what that noticed is kept for the next person
    who types a command. Raises AgentError, also for a store that was deleted or replaced.
    """
    app.store.check()
    asks = False
    if looks:
        seen = reconcile(app)
        asks = seen.asks
        if kept:
            queue_notices(app, seen.lines)
    return Watched(tuple(app.store.events.following(after, PAGE)), asks)
