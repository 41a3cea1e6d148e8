"""Determine what a person must do about a task, and with which command."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from git_agent.actions.views.task import TaskView
from git_agent.domain.durations import spell
from git_agent.domain.lease import Liveness
from git_agent.domain.task import Hold, State, Task


@dataclass(frozen=True, slots=True)
class Need:
    """A task that waits for a person.

    task: the number of the task.
    why: the reason.
    since: when the task entered its state, ms since the epoch.
    command: the command to run next.
    """

    task: int
    why: str
    since: int
    command: str


def need(viewed: TaskView) -> Need | None:
    """Return what a task needs from a person; None if it waits for its worker or needs nothing."""
    task = viewed.task
    found = _by_state(viewed)
    return None if found is None else Need(task.id, found[0], task.state_at, found[1])


def _by_state(viewed: TaskView) -> tuple[str, str] | None:
    task = viewed.task
    if viewed.amiss is not None:
        return f"was changed by hand: {viewed.amiss}", _by_hand(viewed.amiss, task)
    if task.live and task.likely_oid is not None:
        return "was likely merged", f"git agent show {task.id}"
    if task.hold is not None:
        return _by_hold(task.hold, task, task.reason)
    if task.state is State.IN_REVIEW:
        return "is ready for review", f"git agent diff {task.id}; git agent approve {task.id}"
    if task.state is State.APPROVED:
        return "is approved", f"git agent merge {task.id}"
    if task.state is State.FAILED:
        return f"failed: {task.reason or 'no reason given'}", f"git agent retry {task.id}"
    return _by_worker(viewed) if task.state in (State.ASSIGNED, State.WORKING) else None


def _by_hand(amiss: str, task: Task) -> str:
    if amiss == "worktree moved":
        return "git agent doctor --fix"
    if amiss not in ("worktree gone", "worktree removed"):
        return f"git agent show {task.id}"
    verbs = {State.IN_REVIEW: "approve", State.APPROVED: "merge"}  # a task that was handed in needs no worktree
    return f"git agent {verbs.get(task.state, 'reassign')} {task.id}"


def _by_worker(viewed: TaskView) -> tuple[str, str] | None:
    """Suggest to reassign a task whose worker is stale or dead, and to inspect one that makes no progress."""
    task = viewed.task.id
    if viewed.liveness in (Liveness.STALE, Liveness.DEAD):
        return f"its worker is {viewed.liveness}", f"git agent reassign {task}"
    if not viewed.stalled:
        return None
    why = f"makes no progress for {spell(viewed.progress_age_s or 0.0)}"
    supervised = viewed.lease is not None and viewed.lease.kind == "run"
    return why, f"git agent {'logs' if supervised else 'show'} {task}"


def _by_hold(hold: Hold, held: Task, reason: str | None) -> tuple[str, str] | None:
    task = held.id
    if hold is Hold.CONFLICT:
        return (
            reason or "conflicts with its base",
            f"git -C {shlex.quote(held.worktree or '')} rebase {shlex.quote(held.base)}; git agent done {task}",
        )
    if hold is Hold.NEEDS_INPUT:
        return f"asks: {reason}" if reason else "asks a question", f"git agent answer {task} TEXT"
    if hold in (Hold.NO_COMMITS, Hold.STOPPED):
        said = "was stopped" if hold is Hold.STOPPED else "ended without commits"
        return reason or said, f"git agent run {task}"
    words = {
        Hold.CHANGES_REQUESTED: f"was sent back: {reason}" if reason else "was sent back",
        Hold.CHECK_FAILED: reason or "failed its check",
    }
    return words[hold], f"git agent start {task}"
