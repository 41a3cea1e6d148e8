"""Have the commands of superseded attempts end now, instead of at their supervisor's next beat."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.proc import processes, remains
from git_agent.store import sessions


def hurry(app: App, task: Task) -> None:
    """Ask the supervisors of a task's earlier epochs on this host to end their commands; end what a dead one left."""
    _ = app.store
    for session in sessions.unended(task.id):
        if session.epoch == task.epoch:
            continue
        if processes.is_gone(session.owner):
            remains.end(session.child, session.token)
        else:
            processes.terminate(session.owner)
