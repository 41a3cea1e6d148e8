"""Advice: which command to type next. Status, show, prime, notifications and errors all ask here. Pure.

Every function returns commands as a person can paste them; several are joined by `; ` or by words.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from git_agent.domain.durations import spell
from git_agent.domain.lease import Liveness
from git_agent.domain.task import MOVES, Hold, State, Step, Task

_FORWARD: dict[State, str] = {
    State.OPEN: "spawn",
    State.ASSIGNED: "start",
    State.WORKING: "done",
    State.IN_REVIEW: "approve",
    State.APPROVED: "merge",
}
"""The verb that moves a task forward from each state, in the order of the states."""

_REVIVING = {State.FAILED: "retry", State.CANCELLED: "reopen", State.COMPLETED: "reopen"}
_MOST_STEPS = 2  # a hint that names more is not read


def steps_towards(task: Task, goal: State) -> str:
    """Return the commands that bring a task from its state to another one, at most the first two of them.

    goal: the state to reach: OPEN, or one of the states that lead to a merge
    """
    if task.state in _REVIVING:
        return f"git agent {_REVIVING[task.state]} {task.id}"
    path = list(_FORWARD)
    verbs = [_FORWARD[state] for state in path[path.index(task.state) : path.index(goal)]]
    if verbs:
        return ", then ".join(f"git agent {verb} {task.id}" for verb in verbs[:_MOST_STEPS])
    if goal is State.OPEN and task.live:
        return f"git agent reassign {task.id}"
    if task.state in (State.IN_REVIEW, State.APPROVED):
        back = "" if task.state is State.APPROVED else f"; to withdraw it from review: git agent start {task.id}"
        return f"git agent request-changes {task.id} -m TEXT{back}"
    return f"git agent show {task.id}"


def instead_of(step: Step, task: Task) -> str:
    """Return what to type when a step is impossible in the task's state.

    step: the step that was refused
    """
    if step is Step.ANSWER:
        return f"git agent send {task.id} TEXT"
    goals = [state for state in _FORWARD if any(m.step is step and state in m.sources for m in MOVES)]
    if step in (Step.RETRY, Step.REOPEN) or not goals:
        return f"git agent show {task.id}"
    return steps_towards(task, goals[0])


def revival(task: int, state: State) -> str | None:
    """Return the command that revives a task on which others wait in vain; None if it may still be completed."""
    return f"git agent {_REVIVING[state]} {task}" if state in (State.FAILED, State.CANCELLED) else None


def without_worktree(task: int, state: State) -> tuple[str, str]:
    """Return the command for a task whose worktree is gone, and what the command does, to follow it in a sentence.

    Work that was handed in needs no worktree.
    """
    if state is State.APPROVED:
        return f"git agent merge {task}", " merges it without one"
    if state is State.IN_REVIEW:
        return f"git agent approve {task}", f", then git agent merge {task}"
    return f"git agent reassign {task}", " creates a new one"


def approval(task: Task) -> str:
    """Return the command that approves a task at the commit at which it was handed in or last seen."""
    at = f" --at {task.head_oid[:12]}" if task.head_oid else ""
    return f"git agent approve {task.id}{at}"


def another_worktree(task: Task) -> str:
    """Return the command that creates a worktree for a task that has none."""
    return f"git agent reassign {task.id}" if task.live else steps_towards(task, State.ASSIGNED)


def bring_back(worktree: str | None, oid: str) -> str:
    """Return the command that brings a commit back to the branch of a worktree."""
    return f"git -C {shlex.quote(worktree or '')} merge {oid[:12]}"


def rebase_words(task: Task, fork: str | None) -> str:
    """Return git's words that rebase a branch onto its base: `rebase main`.

    fork: the fork point, a full oid, if the base does not contain it; then only what comes after it is rebased
    """
    onto = "" if fork is None else "--onto "
    return f"rebase {onto}{shlex.quote(task.base)}{'' if fork is None else f' {fork[:12]}'}"


def after_conflict(task: Task, fork: str | None) -> str:
    """Return what the worker must do when its branch conflicts with the base. fork: as for rebase_words."""
    merge = " (or merge it)" if fork is None else ""
    return f"in {task.worktree}: git {rebase_words(task, fork)}{merge}, then git agent done"


def after_check(task: Task) -> str:
    """Return what the worker must do when the check fails on the merged result."""
    return f"fix it in {task.worktree}, then git agent done"


def base_gone(task: Task) -> tuple[str, str]:
    """Return what to say of a task whose base branch does not exist, and the command that helps."""
    return f"its base '{task.base}' is gone", f"git agent edit {task.id} --base BRANCH"


class Urgency(IntEnum):
    """How soon a person is needed: an agent waits for a question, nothing goes on that is stuck, a review can wait."""

    QUESTION = 0
    STUCK = 1
    REVIEW = 2


class Need(NamedTuple):
    """What a task needs from a person.

    task: the number of the task
    why: the reason
    since: when the task entered its state, ms since the epoch
    command: the command to type next
    urgency: how soon
    """

    task: int
    why: str
    since: int
    command: str
    urgency: Urgency = Urgency.STUCK


NOBODY = "nobody works on it"


class Circumstances(NamedTuple):
    """What is known of a task besides its record.

    amiss: what somebody did by hand to its branch or worktree
    liveness: whether its worker is alive
    stalled: its worker makes no progress
    progress_age_s: seconds since the last progress; None without a lease
    supervised: `git agent run` supervises its worker
    blocked_by: the tasks that it waits for and that are not COMPLETED, with their states
    max_attempts: agent.maxAttempts
    own_check: the check that its merge runs instead of agent.check
    fork: the fork point of its branch, if the base does not contain that
    over: it was run, and no session of it goes on
    has_agent: its agent can be run again without naming a command
    stuck: what keeps it from being started or merged, and the command that helps
    """

    amiss: str | None
    liveness: Liveness
    stalled: bool
    progress_age_s: float | None
    supervised: bool
    blocked_by: Mapping[int, State]
    max_attempts: int
    own_check: str | None = None
    fork: str | None = None
    over: bool = False
    has_agent: bool = False
    stuck: tuple[str, str] | None = None


def need(task: Task, seen: Circumstances) -> Need | None:
    """Return what a task needs from a person; None if it waits for its worker or needs nothing."""
    by_hand = _by_hand(task, seen.amiss)
    stuck = None if task.hold is Hold.NEEDS_INPUT else seen.stuck  # a worker waits for the answer
    found = by_hand or stuck or _by_state(task, seen)
    if found is None:
        return None
    urgency = Urgency.STUCK if by_hand or stuck or task.likely_oid else _urgency(task)
    return Need(task.id, found[0], task.state_at, found[1], urgency)


def _urgency(task: Task) -> Urgency:
    if task.hold is Hold.NEEDS_INPUT:
        return Urgency.QUESTION
    return Urgency.REVIEW if task.state in (State.IN_REVIEW, State.APPROVED) else Urgency.STUCK


def _by_hand(task: Task, amiss: str | None) -> tuple[str, str] | None:
    if amiss is None:
        return None
    why = f"was changed by hand: {amiss}"
    if amiss == "worktree moved":
        return why, "git agent doctor --fix"
    if amiss in ("worktree gone", "worktree removed"):
        return why, without_worktree(task.id, task.state)[0]
    if amiss == "branch damaged":
        why = "git can't read its branch"
    return why, f"git agent show {task.id}"


def _by_state(task: Task, seen: Circumstances) -> tuple[str, str] | None:
    if task.live and task.likely_oid is not None:
        return "was likely merged", f"git agent show {task.id}"
    if task.hold is not None:
        return _by_hold(task, task.hold, seen.fork)
    if task.state is State.OPEN:
        return _by_parents(seen.blocked_by) or _by_attempts(task, seen.max_attempts)
    own = f", with a check of its own: {seen.own_check}" if seen.own_check else ""
    if task.state is State.IN_REVIEW:
        return f"is ready for review{own}", f"git agent diff {task.id}; {approval(task)}"
    if task.state is State.APPROVED:
        return f"is approved{own}", f"git agent merge {task.id}"
    if task.state is State.FAILED:
        logs, run = f"git agent logs {task.id}; " if seen.over else "", " --run" if seen.has_agent else ""
        return f"failed: {task.reason or 'no reason given'}", f"{logs}{steps_towards(task, State.OPEN)}{run}"
    return _by_worker(task, seen) if task.live else None


def _by_parents(parents: Mapping[int, State]) -> tuple[str, str] | None:
    for parent, state in parents.items():
        if (command := revival(parent, state)) is not None:
            return f"waits for task {parent}, which is {state}", command
    return None


def _by_attempts(task: Task, limit: int) -> tuple[str, str] | None:
    """Return what an OPEN task needs after its worker died, or when its attempts are used up.

    It waits in a queue that perhaps no worker serves.
    """
    if task.attempt and task.attempt >= limit:
        return f"has used up its {limit} attempts", f"git config agent.maxAttempts {task.attempt + 1}"
    return (task.reason, steps_towards(task, State.ASSIGNED)) if task.attempt and task.reason else None


def _by_worker(task: Task, seen: Circumstances) -> tuple[str, str] | None:
    if seen.over and seen.liveness is Liveness.NONE:
        return NOBODY, f"git agent run {task.id}"
    if seen.liveness in (Liveness.STALE, Liveness.DEAD):
        return f"its worker is {seen.liveness}", f"git agent reassign {task.id}"
    if not seen.stalled:
        return None
    why = f"has made no progress for {spell(seen.progress_age_s or 0.0)}"
    return why, f"git agent {'logs' if seen.supervised else 'show'} {task.id}"


_HELD: dict[Hold, tuple[str, str]] = {
    Hold.CHECK_FAILED: ("failed its check", "start"),
    Hold.NO_COMMITS: ("ended without commits", "run"),
    Hold.NO_CHANGES: ("ended without a change", "run"),
    Hold.STOPPED: ("was stopped", "run"),
    Hold.BUDGET: ("has used up its budget", "run"),
    Hold.AGENT_FAILED: ("its agent failed", "run"),
}
"""What a task of which no reason is recorded waits for, and the verb that continues it."""


def _by_hold(task: Task, hold: Hold, fork: str | None) -> tuple[str, str]:
    reason, there = task.reason, shlex.quote(task.worktree or "")
    match hold:
        case Hold.CONFLICT:
            rebase = f"git -C {there} {rebase_words(task, fork)}"
            return reason or "conflicts with its base", f"{rebase}; git agent done {task.id}"
        case Hold.NEEDS_INPUT:
            return f"asks: {reason}" if reason else "asks a question", f"git agent answer {task.id} TEXT"
        case Hold.CHANGES_REQUESTED:
            return f"was sent back: {reason}" if reason else "was sent back", f"git agent start {task.id}"
        case Hold.UNCOMMITTED:
            return reason or "ended with uncommitted files", f"git -C {there} status; git agent run {task.id}"
        case _:
            why, verb = _HELD[hold]
            return reason or why, f"git agent {verb} {task.id}"


def still_running(task: Task, process: str, *, again: bool) -> Need:
    """Return what a task needs whose command runs although its attempt is over.

    process: the supervisor, as people know it
    again: another command of the task runs, too, which `stop` would also end
    """
    why = f"is {task.state}, but a command of an earlier attempt still runs ({process})"
    if not task.live:
        why = f"is {task.state}, but its command still runs ({process})"
    return Need(task.id, why, task.state_at, "git agent ps" if again else f"git agent stop {task.id}")


def waiting_for(parents: Mapping[int, State]) -> str:
    """Say which tasks a task waits for, and the command without which it waits for ever.

    parents: the tasks that it waits for and that are not COMPLETED, with their states
    """
    return "waits for " + ", ".join(f"task {parent} ({_prospect(parent, state)})" for parent, state in parents.items())


def _prospect(task: int, state: State) -> str:
    if state is State.COMPLETED:
        return f"its merge was reverted or lost; git agent reopen {task}"
    command = revival(task, state)
    return str(state) if command is None else f"{state}: never completes unless {command}"
