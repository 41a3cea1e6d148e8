"""Finish a session: choose the next state of the task when its command has ended."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from git_agent.actions.reconcile.reconcile import reconcile
from git_agent.actions.running.run import RunStarted
from git_agent.actions.tasks.lifecycle import fail
from git_agent.actions.tasks.submit import done
from git_agent.actions.transition import transition
from git_agent.app import App
from git_agent.domain.command_exit import CommandExit
from git_agent.domain.event import Event
from git_agent.domain.gates import BASE_GONE
from git_agent.domain.speaker import Speaker, WorkerIdentity
from git_agent.domain.task import Hold, State, Step, Task, event_kind
from git_agent.errors import AgentError, Exit, refused
from git_agent.git.merging.landed import landed
from git_agent.git.merging.rebase import Conflict
from git_agent.record import Record

# The work can't be handed in because of a rule, not because of a fault: a person must check it.
_NOT_YET = frozenset({Exit.REFUSED, Exit.CONFLICT})
_HOLDS: Mapping[str, Hold] = {
    **dict.fromkeys(("dirty", "unreadable", "in-progress"), Hold.UNCOMMITTED),
    "no-changes": Hold.NO_CHANGES,
    "still-conflicts": Hold.CONFLICT,
}
"""The codes of errors that keep work from being handed in, and the holds that they give; all others: no_commits."""


class Finished(Record):
    """The task after its session ended.

    task: its new record.
    lines: what reconciliation noticed.
    superseded: the attempt was no longer the current one.
    """

    task: Task
    lines: tuple[str, ...]
    superseded: bool

    @property
    def handed_in(self) -> bool:
        """Return whether the work of this attempt is with a reviewer, or has landed."""
        return not self.superseded and self.task.state in (State.IN_REVIEW, State.APPROVED, State.COMPLETED)


def finish_session(app: App, begun: RunStarted, ended: CommandExit) -> Finished:
    """Reconcile, then hand in, hold or fail the task, depending on how its command ended.

    A task that is superseded, on hold, or no longer worked on stays as it is. A command that a person or a signal ended
    leaves the hold stopped. A command that failed fails its task. Otherwise the work is handed in; if it can't be, or
    if nothing has changed since it was last judged, the task is held.
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
    said = f"was stopped by {by}" if by is not None else ended.stopped
    if said is not None:
        return transition(app, task, Step.STOP, data={"reason": said, "by": by}, reason=said).task
    if ended.status != 0:
        return fail(app, task, ended.reason).task
    try:
        return done(app, task, check=lambda task: _require_progress(app, begun, task)).task
    except AgentError as error:
        if error.exit not in _NOT_YET and error.code != BASE_GONE:
            raise
        said, hold = f"exited with 0, but {error.message}", _HOLDS.get(error.code, Hold.NO_COMMITS)
        now = app.store.tasks.get(task.id)
        return transition(app, now, Step.ENDED, into=hold, data={"reason": said}, reason=said).task


def _require_progress(app: App, begun: RunStarted, task: Task) -> None:
    """Refuse (exit 3) work that is as it was when it was last judged, or that still conflicts after a conflict."""
    heads = app.sighted_heads  # read after the command had ended
    tip, base = heads.get(task.branch or ""), heads.get(task.base)
    if tip is None or base is None:
        return
    # A hold that ended while the command ran, as by an answer, says nothing about what the command did before.
    if tip == task.settled_oid or tip == task.resumed_oid == begun.tip:
        hint = f"git agent done {task.id}"
        says = f"{task.label} has no new commit since its last review or hold ended ({hint} hands it in anyway)"
        raise refused("no-changes", says, hint)
    if _conflicted(app, task) and isinstance(found := landed(app.repo, base, tip, task.base_oid), Conflict):
        says = f"{task.label} still conflicts with '{task.base}': {', '.join(found.paths[:5])}"
        raise refused("still-conflicts", says, f"git agent conflicts {task.id}")


def _conflicted(app: App, task: Task) -> bool:
    """Return whether a merge of the task found a conflict, and the work has not been handed in since."""

    def last(step: Step) -> int:
        found: Event | None = app.store.events.latest(event_kind(step), [task.id]).get(task.id)
        return found.seq if found else 0

    return last(Step.CONFLICT) > max(last(Step.DONE), last(Step.PUSHED))
