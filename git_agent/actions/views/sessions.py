"""List the supervised commands that are running."""

from __future__ import annotations

from git_agent.actions.views.task import TaskView, view
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.record import Record
from git_agent.store.sessions import Session


class Running(Record):
    """A session that has not ended.

    session: the session.
    view: its task.
    gone: its supervisor has ended, or is out of reach and silent.
    superseded: its attempt is not the current one.
    """

    session: Session
    view: TaskView
    gone: bool
    superseded: bool


def ps(app: App, task: Task | None = None) -> list[Running]:
    """List the sessions that have not ended, oldest first. task: only those of this task; None for all."""
    found = app.store.sessions.unended(task.id if task else None)
    if not found:
        return []
    ids = dict.fromkeys(s.task for s in found)
    shown = {v.task.id: v for v in view(app, [app.store.tasks.get(i) for i in ids], counts=False)}
    return [
        Running(s, shown[s.task], app.is_gone(s.owner, over=s.over), s.epoch != shown[s.task].task.epoch) for s in found
    ]
