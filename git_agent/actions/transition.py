"""Make one transition of the state machine: checks, compare-and-swap, event and messages in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from git_agent.actions.beats import beats
from git_agent.app import App
from git_agent.domain.advice import command_to_run, instead_of
from git_agent.domain.message import Draft
from git_agent.domain.speaker import COORDINATOR, Speaker, WorkerIdentity, superseded_error
from git_agent.domain.task import Hold, Move, State, Step, Task, after, done_already
from git_agent.errors import AgentError, Exit, refused
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store import tasks

_ENDS_LEASE = frozenset(State) - {State.ASSIGNED, State.WORKING}


class Transition(Record):
    """The task after a step. moved: False when there was nothing left to do."""

    task: Task
    moved: bool


def transition(
    app: App,
    task: Task,
    step: Step,
    *,
    seen: Task | None = None,
    drafts: Sequence[Draft] = (),
    data: Mapping[str, Any] | Callable[[Task], Mapping[str, Any]] | None = None,
    by: str | None = None,
    intent: int | None = None,
    into: Hold | None = None,
    **columns: Any,
) -> Transition:
    """Take a step of the state machine, or find that it was already taken.

    seen: the task as it was when git was asked; the step is refused if the task has changed since
    drafts: messages to send with the step
    data: the event's data, or a function that makes it from the task as it was
    by: the actor, if not the speaker (git, a repair); the attempt and epoch are not checked then
    intent: this command's intent, which the step ends
    into: the hold to which `ended` leads
    columns: other columns to change
    Raises AgentError: exit 5 for a superseded speaker, before anything else; exit 3 when the table has no such move;
    exit 6 when another command is working on the task.
    """
    speaker = app.speaker if by is None else Speaker(by, (WorkerIdentity(task.id, None, None),))
    with app.store.transaction():
        now, under_way = app.store.tasks.to_change(task.id)
        if by is None:
            require_current(app, now)
        if under_way:
            _refuse_under_way(app, now, intent)
        made = after(now.state, now.hold, step, into=into)
        if made is None and done_already(now.state, now.hold, step):
            return Transition(now, False)
        if made is None:
            raise _impossible(now, step)
        if seen is not None and seen.version != now.version:
            raise tasks.stale(now)
        said = {**((data(now) if callable(data) else data) or {}), **({"hold": into} if into else {})}
        moved = app.store.tasks.move(now, made, speaker.actor, data=said, **{**_settled(app, now, made), **columns})
        told = (*drafts, *notify_dependents(app, moved)) if moved.state is State.COMPLETED else drafts
        app.store.messages.send(told, speaker.address, verified=speaker.verified)
        if moved.state in _ENDS_LEASE or moved.hold:
            app.store.leases.drop(moved.id)
        if intent is not None:
            app.store.intents.end(intent)
    if made.fences:
        beats(app, app.store.attempts.standing())  # a superseded worker is notified at its next commit
    return Transition(moved, True)


def _settled(app: App, task: Task, made: Move) -> dict[str, str]:
    """Remember the tip at which a review or a hold ended.

    Pushing it again does not hand it in: after a hold, only if it had been pushed by then (decision 0004). A run that
    leaves the branch there has changed nothing.
    """
    if made.target is not State.WORKING or app.sighted is None:
        return {}
    tip = app.sighted.heads.get(task.branch or "")
    ended = task.state in (State.IN_REVIEW, State.APPROVED)
    resumed = task.hold is not None and made.hold is None
    if tip is None or not (ended or resumed):
        return {}
    pushed = tip in (task.pushed_oid, *app.sighted.arrived)
    return {"resumed_oid": tip} | ({"settled_oid": tip} if ended or pushed else {})


def _refuse_under_way(app: App, task: Task, mine: int | None) -> None:
    other = app.store.intents.of_task(task.id)
    if other is not None and other.id != mine and not app.is_gone(other.owner, over=other.over):
        raise AgentError(
            "under-way",
            f"{task.label} is busy: {other.kind} by {processes.named(other.owner)} is under way",
            "try again when it has ended",
            exit=Exit.BUSY,
        )


_WORDS = {
    Step.ASK: "ask about",
    Step.DONE: "hand in",
    Step.REQUEST_CHANGES: "request changes to",
    Step.MERGED: "record a merge of",
}


def _impossible(task: Task, step: Step) -> AgentError:
    where = f"{task.state}, {task.hold}" if task.hold else str(task.state)
    message = f"cannot {_WORDS.get(step, step)} {task.label}: it is {where}"
    return refused("wrong-state", message, instead_of(step, task))


def require_current(app: App, task: Task) -> None:
    """Refuse a speaker whose attempt or epoch of the task is not the current one.

    Every verb that changes a task calls this before any other refusal.
    Raises AgentError (exit 5).
    """
    if not app.speaker.superseded(task):
        return
    # The first event of an epoch is the one that began it; later ones belong to the present worker.
    began = app.store.events.superseding(task.id, task.epoch - 1)
    by = f"{began.kind.removeprefix('task.')} by {began.actor}" if began else f"it is {task.state}"
    raise superseded_error(task, by)


def notify_dependents(app: App, done: Task) -> list[Draft]:
    """Draft the messages about a task that has just become COMPLETED; call it in the transaction of that change.

    The coordinator is notified of each task that can now be claimed. The workers of live dependents are notified that
    the work they build on has landed.
    """
    drafts = []
    for child in map(app.store.tasks.get, app.store.tasks.children(done.id)):
        if child.state is State.OPEN and child.unresolved == 0:
            body = f"{child.label} can be claimed: {done.label}, the last one that it waited for, is COMPLETED"
            drafts.append(Draft(COORDINATOR, body, child.id, until=State.OPEN))
        elif child.live:
            drafts.append(Draft(str(child.id), f"{done.label}, which {child.label} waits for, is COMPLETED", child.id))
    return drafts


def run_again(app: App, task: Task) -> str:
    """Return the command that runs a task again: with its agent if that has a command, else with a placeholder."""
    return command_to_run(task.id, has_agent=app.config.has_agent(task.agent))
