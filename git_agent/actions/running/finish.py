"""Finish a session: choose the next state of the task when its command has ended."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass

from git_agent.actions.reconcile.reconcile import reconcile
from git_agent.actions.running.run import RunStarted
from git_agent.actions.tasks.lifecycle import fail
from git_agent.actions.tasks.submit import done
from git_agent.actions.transition import transition
from git_agent.app import App
from git_agent.domain.command_exit import CommandExit
from git_agent.domain.gates import BASE_GONE
from git_agent.domain.speaker import Speaker, WorkerIdentity
from git_agent.domain.task import State, Step, Task
from git_agent.errors import AgentError, Exit

# The work can't be handed in because of a rule, not because of a fault: a person must check it.
_NOT_YET = frozenset({Exit.REFUSED, Exit.CONFLICT})


@dataclass(frozen=True, slots=True)
class Finished:
    """The task after its session ended.

    task: its new record.
    lines: what reconciliation noticed.
    superseded: the attempt was no longer the current one.
    """

    task: Task
    lines: tuple[str, ...]
    superseded: bool


def finish_session(app: App, begun: RunStarted, ended: CommandExit) -> Finished:
    """Reconcile, then hand in, hold or fail the task, depending on how its command ended.

    Committed work is handed in. A task that can't be handed in, or whose command was stopped, is put on hold. A command
    that failed fails its task. A task that is superseded, on hold, or no longer worked on stays as it is.
    begun: the session.
    ended: how its command ended.
    Raises AgentError when the store fails. The session then ends with this process.
    """
    app.speaker = Speaker(
        begun.actor, (WorkerIdentity(begun.task.id, begun.task.attempt, begun.task.epoch, proved=True),)
    )
    lines = reconcile(app).lines
    now = app.store.tasks.get(begun.task.id)
    superseded = now.epoch != begun.task.epoch
    if not superseded and now.state in (State.ASSIGNED, State.WORKING) and now.hold is None:
        now = _go_on(app, begun, now, ended)
    with app.store.transaction():
        lease = app.store.leases.of([now.id]).get(now.id)
        if lease is not None and lease.kind == "run" and not superseded:
            app.store.leases.drop(now.id)
        app.store.sessions.end(begun.session)
        data = {"text": ended.how, "status": ended.status, "session": begun.session}
        app.store.events.append("task.session-ended", app.speaker.actor, task=now.id, epoch=begun.task.epoch, data=data)
    if begun.prompt is not None:
        with contextlib.suppress(OSError):
            os.unlink(begun.prompt)
    return Finished(now, tuple(lines), superseded)


def _go_on(app: App, begun: RunStarted, task: Task, ended: CommandExit) -> Task:
    by = app.store.sessions.get(begun.session).stopped_by
    if by is not None:
        said = f"was stopped by {by}"
        return transition(app, task, Step.STOP, data={"reason": said, "by": by}, reason=said).task
    if ended.status != 0:
        return fail(app, task, ended.reason).task
    try:
        return done(app, task).task
    except AgentError as error:
        if error.exit not in _NOT_YET and error.code != BASE_GONE:
            raise
        said = f"exited with 0, but {error.message}"
        return transition(app, app.store.tasks.get(task.id), Step.ENDED, data={"reason": said}, reason=said).task
