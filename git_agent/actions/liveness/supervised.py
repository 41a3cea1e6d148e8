"""Find supervised commands that outlived their task's attempt, and end them."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.proc import orphans, processes


def terminate_superseded(app: App, task: Task) -> None:
    """Ask the supervisors of a task's earlier epochs to end their commands; end what dead ones left.

    One that no signal reaches from here learns it at its next beat.
    """
    for session in app.store.sessions.unended(task.id):
        if session.epoch == task.epoch:
            continue
        if app.is_gone(session.owner, over=session.over):
            orphans.end_orphans(session.child, session.token)
        else:
            processes.terminate(session.owner)


def note_running(app: App, task: Task, *, ends: bool = False) -> None:
    """Queue a notice for each supervised command of a task that still runs, unless that command itself asks.

    ends: its supervisor will ask it to end.
    """
    if app.speaker.works_on(task):
        return
    me = processes.myself()
    for session in app.store.sessions.unended(task.id):
        if session.owner != me and not app.is_gone(session.owner, over=session.over):
            which = f"the command of attempt {session.attempt} of {task.label}"
            until = ", and will be asked to end; to end it now" if ends else ""
            app.notice(f"{which} still runs ({processes.named(session.owner)}){until}: git agent stop {task.id}")
