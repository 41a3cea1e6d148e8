"""What happened, by time: events, messages and commits."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.own_commits import own_commits
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.message import Message
from git_agent.domain.task import Task
from git_agent.git.history import Commit
from git_agent.store import events, messages

LIMIT = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. at: ms since the epoch; exactly one of the others is given."""

    at: int
    event: Event | None = None
    message: Message | None = None
    commit: Commit | None = None


def log(app: App, task: Task | None, *, since_ms: int | None = None, limit: int = LIMIT) -> list[Entry]:
    """List what happened to a task, or to all without one, oldest first.

    since_ms: not older than this, ms since the epoch; limit: at most so many of each kind, the newest.
    """
    found = [Entry(e.at, event=e) for e in events.of_task(task.id if task else None, since_ms=since_ms, limit=limit)]
    if task is not None:
        found += [Entry(m.sent_at, message=m) for m in messages.of_task(task.id, since_ms=since_ms, limit=limit)]
        found += [Entry(c.time * 1000, commit=c) for c in own_commits(app, task, limit)]
    kept = [e for e in found if since_ms is None or e.at >= since_ms]
    return sorted(kept, key=lambda e: e.at)[-limit:]
