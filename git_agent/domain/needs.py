"""What a task needs from a person: the reason, the command to type next, and how soon."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from enum import IntEnum

from git_agent.domain.advice import approval, command_to_run, rebase_words, revival, steps_towards, without_worktree
from git_agent.domain.durations import spell
from git_agent.domain.lease import Liveness
from git_agent.domain.task import Hold, State, Task
from git_agent.record import Record


class Urgency(IntEnum):
    """How soon a person is needed: an agent waits for a question, nothing goes on that is stuck, a review can wait."""

    QUESTION = 0
    STUCK = 1
    REVIEW = 2


class Need(Record):
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


class Circumstances(Record):
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
        return _by_hold(task, task.hold, seen)
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
        return NOBODY, command_to_run(task.id, has_agent=seen.has_agent)
    if seen.liveness in (Liveness.STALE, Liveness.DEAD):
        return f"its worker is {seen.liveness}", f"git agent reassign {task.id}"
    if not seen.stalled:
        return None
    why = f"has made no progress for {spell(seen.progress_age_s or 0.0)}"
    return why, f"git agent {'logs' if seen.supervised else 'show'} {task.id}"


_HELD: dict[Hold, str] = {
    Hold.CHECK_FAILED: "failed its check",
    Hold.NO_COMMITS: "ended without commits",
    Hold.NO_CHANGES: "ended without a change",
    Hold.STOPPED: "was stopped",
    Hold.BUDGET: "has used up its budget",
    Hold.AGENT_FAILED: "its agent failed",
}
"""Why a task is held of which no reason is recorded."""


def _by_hold(task: Task, hold: Hold, seen: Circumstances) -> tuple[str, str]:
    reason, there = task.reason, shlex.quote(task.worktree or "")
    run = command_to_run(task.id, has_agent=seen.has_agent)
    go_on = run if seen.over else f"git agent start {task.id}"
    match hold:
        case Hold.CONFLICT:
            rebase = f"git -C {there} {rebase_words(task, seen.fork)}"
            return reason or "conflicts with its base", f"{rebase}; git agent done {task.id}"
        case Hold.NEEDS_INPUT:
            return f"asks: {reason}" if reason else "asks a question", f"git agent answer {task.id} TEXT"
        case Hold.CHANGES_REQUESTED:
            return f"was sent back: {reason}" if reason else "was sent back", go_on
        case Hold.UNCOMMITTED:
            return reason or "ended with uncommitted files", f"git -C {there} status; {run}"
        case _:
            return reason or _HELD[hold], go_on if hold is Hold.CHECK_FAILED else run


def still_running(task: Task, process: str, *, again: bool) -> Need:
    """Return what a task needs whose command runs although its attempt is over.

    process: the supervisor, as people know it
    again: another command of the task runs, too, which `stop` would also end
    """
    why = f"is {task.state}, but a command of an earlier attempt still runs ({process})"
    if not task.live:
        why = f"is {task.state}, but its command still runs ({process})"
    return Need(task.id, why, task.state_at, "git agent ps" if again else f"git agent stop {task.id}")
