"""The gates: decide whether a task may be merged, claimed, or handed in by a push. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from git_agent.domain.task import Hold, State, Task
from git_agent.errors import AgentError, refused


def landing_error(task: Task, tip: str | None, lapsed: str | None) -> AgentError | None:
    """Return the error that keeps a task from being merged, or None if it may be merged.

    tip: the branch's current oid, None if the branch is gone
    lapsed: the oid of an approval that ended because the branch moved
    """
    approved = task.state is State.APPROVED
    # Moving the branch back to the lapsed approval does not approve it again: the state says who must act.
    if not approved and (tip is None or lapsed in (None, tip)):
        return refused("not-approved", f"cannot merge {task.label}: it is {task.state}", _next(task))
    if tip is None:
        return refused(
            "no-branch", f"cannot merge {task.label}: branch '{task.branch}' is gone", f"git agent show {task.id}"
        )
    reviewed = (task.reviewed_oid if approved else lapsed) or ""
    if tip != reviewed:
        return refused(
            "approval-stale",
            f"cannot merge {task.label}: the approval is for {reviewed[:12]}, but the branch is at {tip[:12]}",
            f"git agent diff {task.id}, then git agent approve {task.id}",
        )
    return None


def base_gone_error(task: Task) -> AgentError:
    """Return the error for a task whose base branch does not exist."""
    return AgentError("unknown-base", f"the base '{task.base}' is gone", f"git agent edit {task.id} --base BRANCH")


def conflict_hint(task: Task) -> str:
    """Return what the worker must do when the task conflicts with its base."""
    return f"in {task.worktree}: git rebase {task.base} (or merge it), then git agent done"


def check_hint(task: Task) -> str:
    """Return what the worker must do when the check fails on the merged result."""
    return f"fix it in {task.worktree}, then git agent done"


def _next(task: Task) -> str:
    words = {
        State.OPEN: f"git agent spawn {task.id}",
        State.ASSIGNED: f"git agent start {task.id}, then git agent done {task.id}",
        State.WORKING: f"git agent done {task.id}, then git agent approve {task.id}",
        State.IN_REVIEW: f"git agent approve {task.id}",
        State.FAILED: f"git agent retry {task.id}",
        State.CANCELLED: f"git agent reopen {task.id}",
    }
    return words.get(task.state, f"git agent show {task.id}")


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why an OPEN task can't be claimed.

    by: the tasks that it waits for; used_up: whether all its attempts are used up
    """

    task: int
    why: str
    by: tuple[int, ...] = ()
    used_up: bool = False


def blocked(
    task: Task, parents: Sequence[int], states: Mapping[int, State], now: int, max_attempts: int
) -> Blocked | None:
    """Return what keeps an OPEN task from being claimed, or None if it can be claimed.

    parents: the tasks it waits for that are not COMPLETED
    states: the states of the parents
    now: ms since the epoch
    max_attempts: agent.maxAttempts
    """
    if parents:
        return Blocked(task.id, _waiting(parents, states), tuple(parents))
    if task.not_before is not None and task.not_before > now:
        return Blocked(task.id, f"waits {(task.not_before - now) // 1000 + 1} s before its next attempt")
    if task.attempt >= max_attempts:
        return Blocked(task.id, f"all {max_attempts} attempts are used up (agent.maxAttempts)", used_up=True)
    return None


def _waiting(parents: Sequence[int], states: Mapping[int, State]) -> str:
    return "waits for " + ", ".join(f"task {p} ({_prospect(p, states[p])})" for p in parents)


def _prospect(task: int, state: State) -> str:
    ends = {State.FAILED: f"git agent retry {task}", State.CANCELLED: f"git agent reopen {task}"}
    return f"{state}: never completes unless {ends[state]}" if state in ends else str(state)


def hands_in(task: Task, tip: str) -> bool:
    """Return whether a push of this tip hands the task in.

    As with `done`, a task that waits for an answer is not handed in. Neither is the tip at which the last review or
    hold ended.

    tip: full oid of a commit with work of the task's own
    """
    waits = task.hold is Hold.NEEDS_INPUT
    return task.state in (State.ASSIGNED, State.WORKING) and not waits and tip != task.settled_oid
