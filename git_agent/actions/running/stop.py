"""Stop the command of a task, which stays WORKING with the hold `stopped`."""

from __future__ import annotations

import time

from git_agent.actions.transition import require_current, transition
from git_agent.app import App
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError, Exit
from git_agent.proc import orphans, processes
from git_agent.record import Record
from git_agent.store.sessions import Session

PATIENCE_S = 15.0
"""Seconds that a supervisor has to end its command (10 s from SIGTERM to SIGKILL) and to finish the session."""
_LOOK_S = 0.05


class StoppedRun(Record):
    """A task whose command was stopped. moved: False when no command was running."""

    task: Task
    moved: bool


def stop(app: App, task: Task) -> StoppedRun:
    """End the command of a task, even if it ignores signals, and wait until it has ended.

    Raises AgentError: exit 5 for a superseded speaker, exit 6 when a supervisor on another host has not ended in time.
    """
    require_current(app, task)
    running = app.store.sessions.unended(task.id)
    actor = app.speaker.actor
    for session in running:
        with app.store.transaction():
            app.store.sessions.stop(session.id, actor)
        _end(app, session)
    return StoppedRun(app.store.tasks.get(task.id), bool(running))


def _end(app: App, session: Session) -> None:
    if processes.terminate(session.owner) or not _has_ended(app, session):
        app.progress(f"asked {processes.named(session.owner)} to end")
        # No signal reaches one in another container or on another machine: its next beat tells it to end.
        beat_s = 0.0 if processes.is_here(session.owner) else 2 * app.config.seconds("agent.beat")
        until = time.monotonic() + PATIENCE_S + beat_s
        while app.store.sessions.is_open(session.id) and time.monotonic() < until and not _has_ended(app, session):
            time.sleep(_LOOK_S)
        if not app.store.sessions.is_open(session.id):
            return
    processes.kill(session.owner)
    if not _ends(app, session):
        raise AgentError(
            "not-ended",
            f"{processes.named(session.owner)} was asked to end, but has not ended yet",
            f"git agent ps, or git agent reassign {session.task}",
            exit=Exit.BUSY,
        )
    orphans.end_orphans(session.child, session.token)
    with app.store.transaction():
        now = app.store.tasks.get(session.task)
        if now.epoch == session.epoch and now.state is State.WORKING and now.hold is None:
            said = f"was stopped by {app.speaker.actor}"
            transition(app, now, Step.STOP, data={"reason": said}, reason=said)
        app.store.sessions.end(session.id)


def _ends(app: App, session: Session) -> bool:
    until = time.monotonic() + 1.0
    while not _has_ended(app, session) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return _has_ended(app, session)


def _has_ended(app: App, session: Session) -> bool:
    return app.is_gone(session.owner, over=session.over)
