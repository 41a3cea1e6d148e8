"""Report what happened: statistics, the log, and events as they arrive."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping

from git_agent.actions.liveness.reap import reap
from git_agent.actions.lookup import own_commits
from git_agent.actions.reconcile.reconcile import Reconciled, queue_notices, reconcile
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.message import Message
from git_agent.domain.task import State, Task
from git_agent.git.history import Commit
from git_agent.record import Record


class Stats(Record):
    """Statistics of a period.

    since_ms: its start, ms since the epoch.
    counts: the current number of tasks in each state.
    median_s: the median time in each state, in seconds.
    completed, failed, sent_back: how often that happened in the period.
    attempts: the number of attempts that were started in the period.
    """

    since_ms: int
    counts: Mapping[State, int]
    median_s: Mapping[State, float]
    completed: int
    failed: int
    sent_back: int
    attempts: int


def stats(app: App, *, days: float = 30.0) -> Stats:
    """Compute statistics from the events of the last days. days: the length of the period."""
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


class LogEntry(Record):
    """One line of the log. at: ms since the epoch. Exactly one of the other fields is set."""

    at: int
    event: Event | None = None
    message: Message | None = None
    commit: Commit | None = None


def log(app: App, task: Task | None, *, since_ms: int | None = None, limit: int = LIMIT) -> list[LogEntry]:
    """List what happened, oldest first.

    task: the task; None for the events of all tasks.
    since_ms: omit older entries, ms since the epoch.
    limit: the maximum number of entries; the newest are kept.
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


class Watched(Record):
    """The result of one round of watching.

    events: the new events, oldest first, at most PAGE.
    asks: a remote must be queried, in the background.
    """

    events: tuple[Event, ...]
    asks: bool = False


def watch(app: App, after: int, *, looks: bool, reaps: bool, kept: bool) -> Watched:
    """List the events that follow an event.

    after: the number of that event.
    looks: reconcile first.
    reaps: check for dead workers first; a reconcile does so too, and looks for those without progress.
    kept: queue what was noticed until a person runs a command, because nobody reads the output.
    Raises AgentError, in particular when the store was deleted or replaced.
    """
    app.store.check()
    seen = reconcile(app) if looks else Reconciled(tuple(reap(app, stalls=False)) if reaps else (), asks=False)
    if kept:
        queue_notices(app, seen.lines)
    return Watched(tuple(app.store.events.following(after, PAGE)), seen.asks)
