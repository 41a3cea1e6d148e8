"""Create the branch and worktree of a reserved attempt, or roll everything back."""

from __future__ import annotations

from typing import Any

from git_agent.actions.attempts.discard import discard_empty
from git_agent.actions.attempts.provision import provision
from git_agent.actions.attempts.reserve import record_place
from git_agent.actions.beats import beats
from git_agent.actions.setup.hooks import explain_silent
from git_agent.actions.worktrees import note_files_left
from git_agent.app import App
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task, after
from git_agent.errors import AgentError
from git_agent.git import refs
from git_agent.git.merging.fork import begun_at
from git_agent.git.worktrees.add import add_worktree
from git_agent.record import Record
from git_agent.store import meta, tasks


class PlaceWish(Record):
    """What to prepare.

    task: the reserved task.
    place: where its attempt goes.
    step: claim, spawn or reassign.
    intent: the number of the intent that reserves the task.
    lease_s: seconds until the lease expires; None never expires.
    agent: the agent that will work on the task; None keeps the recorded one.
    drafts: messages to send when the attempt is recorded.
    new: this command added the task, so the task is removed if its worktree can't be created.
    kill: the superseded command must end.
    """

    task: Task
    place: AttemptPlan
    step: Step
    intent: int
    lease_s: float | None = None
    agent: str | None = None
    drafts: tuple[Draft, ...] = ()
    new: bool = False
    kill: bool = False


def prepare(app: App, wish: PlaceWish) -> Task:
    """Create the branch, worktree and its files, run the setup commands, and record the attempt; return the task.

    Call this inside `rollback_on_error`.
    """
    task, place = wish.task, wish.place
    if not place.adopted:
        _branch(app, wish)
    admin = add_worktree(
        app.repo,
        task=task.id,
        branch=place.branch,
        path=place.worktree,
        oid=place.start_oid,
        new=not place.adopted,
        terminal=app.terminal,
    )
    provision(app, task, place)
    if (silent := explain_silent(app, place.worktree)) is not None:
        app.notice(silent)
    made = _record(app, wish, admin)
    if place.number > 1:
        note_files_left(app, made)
        discard_empty(app, made)
    beats(app, app.store.attempts.standing())
    return made


def _branch(app: App, wish: PlaceWish) -> None:
    try:
        # The reservation compared its name with the other branches.
        refs.create_branch(app.repo, wish.place.branch, wish.place.start_oid, compared=True, known=app.config.git)
    except AgentError:
        # Somebody else created the branch in the meantime, so the rollback must keep it.
        record_place(app, wish.intent, wish.place._replace(adopted=True), new=wish.new)
        raise


def _record(app: App, wish: PlaceWish, admin: str) -> Task:
    place, speaker, columns = wish.place, app.speaker, _columns(app, wish)
    with app.store.transaction():
        task = app.store.tasks.get(wish.task.id)
        if task.head_oid is not None:
            app.store.attempts.see(task.id, task.attempt, task.head_oid)
        move = after(task.state, task.hold, wish.step)
        if move is None or task.version != wish.task.version:
            raise tasks.stale(task)
        app.store.attempts.add(
            task.id, place.number, task.epoch + 1, place.branch, place.start_oid, adopted=place.adopted
        )
        app.store.attempts.place(task.id, place.number, place.worktree, admin)
        data: dict[str, Any] = {"branch": place.branch, "attempt": place.number, "start_oid": place.start_oid}
        data |= {"kill": True} if wish.kill else {}
        moved = app.store.tasks.move(task, move, speaker.actor, data=data, **columns)
        app.store.leases.take(task.id, "hand" if wish.lease_s is None else "claim", wish.lease_s)
        app.store.messages.send(wish.drafts, speaker.address, verified=speaker.verified)
        app.store.meta.delete(f"{meta.UNSTARTED}{task.id}")
        app.store.intents.end(wish.intent)
    return moved


def _columns(app: App, wish: PlaceWish) -> dict[str, Any]:
    place, task = wish.place, wish.task
    base_oid: str | None = place.start_oid
    if app.sighted_heads.get(task.base) != place.start_oid:  # it did not start at the base's tip
        # An attempt that goes on from an earlier one keeps its fork point, which the base may have lost since.
        start = begun_at(app.repo, task.base_oid, f"refs/heads/{task.base}", place.start_oid)
        base_oid = start or task.base_oid or place.start_oid
    columns: dict[str, Any] = {
        "branch": place.branch,
        "worktree": place.worktree,
        "attempt": place.number,
        "base_oid": base_oid,
        "head_oid": place.start_oid,
        "reviewed_oid": None,
        "reviewer": None,
        "merged_oid": None,
        "merged_by": None,
        "reason": None,
        # A branch that starts at the base's tip needs no check. If the base was elsewhere, sync checks it.
        "base_seen": place.start_oid if place.start_oid == base_oid else None,
        "worked": int(place.start_oid != base_oid),
        "settled_oid": None,
        "pushed_oid": None,
        "pushed_ref": None,
        "upstream_seen": None,
        "likely_oid": None,
        "reverted_oid": None,
        "amiss": None,
        "resumed_oid": None,
    }
    return columns | ({"agent": wish.agent} if wish.agent else {})
