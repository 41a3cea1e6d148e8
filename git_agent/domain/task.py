"""The task and its state machine as data: MOVES holds every allowed change of state.

docs/states.md is printed from MOVES, and a test walks the whole table.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from git_agent.record import Record

PRIORITIES = range(5)
DEFAULT_PRIORITY = 2


class State(StrEnum):
    """The state of a task; written in capitals everywhere."""

    OPEN = "OPEN"
    ASSIGNED = "ASSIGNED"
    WORKING = "WORKING"
    IN_REVIEW = "IN_REVIEW"
    APPROVED = "APPROVED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Hold(StrEnum):
    """Why a WORKING task waits for somebody."""

    NEEDS_INPUT = "needs_input"
    CONFLICT = "conflict"
    CHANGES_REQUESTED = "changes_requested"
    CHECK_FAILED = "check_failed"
    NO_COMMITS = "no_commits"
    NO_CHANGES = "no_changes"
    UNCOMMITTED = "uncommitted"
    STOPPED = "stopped"
    BUDGET = "budget"
    AGENT_FAILED = "agent_failed"


class Step(StrEnum):
    """What can happen to a task. A step that a verb makes has the verb's name."""

    ADD = "add"
    CLAIM = "claim"
    ASSIGN = "assign"
    SPAWN = "spawn"
    START = "start"
    RELEASE = "release"
    ASK = "ask"
    ANSWER = "answer"
    DONE = "done"
    PUSHED = "pushed"
    ENDED = "ended"
    STOP = "stop"
    REQUEST_CHANGES = "request-changes"
    APPROVE = "approve"
    MOVED = "moved"
    MERGE = "merge"
    MERGED = "merged"
    CONFLICT = "conflict"
    CHECK_FAILED = "check-failed"
    REAP = "reap"
    EXHAUST = "exhaust"
    REASSIGN = "reassign"
    FAIL = "fail"
    RETRY = "retry"
    CANCEL = "cancel"
    REOPEN = "reopen"
    UNDO = "undo"


LIVE = frozenset({State.ASSIGNED, State.WORKING, State.IN_REVIEW, State.APPROVED})
FINISHED = frozenset({State.COMPLETED, State.CANCELLED})
UNFINISHED = frozenset(State) - FINISHED


class Move(Record):
    """One row of the state machine.

    sources: the states that it starts from; empty for the step that adds the task
    guard: the condition, in words; who: who may make the step, in words
    hold: the hold afterwards
    held: the hold that the task must have: a hold's name, "any" or "none"; None: it does not matter
    fences: the epoch grows, so that whoever worked before is superseded
    """

    sources: frozenset[State]
    step: Step
    target: State
    guard: str
    who: str
    hold: Hold | None = None
    held: str | None = None
    fences: bool = False


def _row(
    sources: State | frozenset[State] | None,
    step: Step,
    target: State,
    guard: str,
    who: str,
    *,
    hold: Hold | None = None,
    held: str | None = None,
    fences: bool = False,
) -> Move:
    several = frozenset() if sources is None else frozenset({sources}) if isinstance(sources, State) else sources
    return Move(several, step, target, guard, who, hold, held, fences)


_S = State
_CLAIMED = "dependencies completed; waiting time over; attempts left"
_HANDED_IN = (
    "epoch; clean worktree; work of its own since the fork point, or --allow-empty; not needs_input; ends any hold"
)
_PUSHED = (
    "the push succeeded; the pushed oid is the tip, has work of its own, and differs from the tip at which the last "
    "review or hold ended"
)
_EXPIRED = "its lease expired, and this was confirmed; no hold"
_ENDED = "its command exited with 0, but "
_STOPPED = "a person, a signal, a closed terminal or a restart of the machine ended its command"
_STARTED = frozenset({_S.ASSIGNED, _S.WORKING})
_REVIEWED = frozenset({_S.IN_REVIEW, _S.APPROVED})
_UNMERGED = LIVE | {_S.FAILED, _S.OPEN}
_RETURNS = "it had this state, with any hold, when it was cancelled"

# fmt: off
MOVES: tuple[Move, ...] = (
    _row(None, Step.ADD, _S.OPEN, "dependencies exist, no cycle", "anyone"),
    _row(_S.OPEN, Step.CLAIM, _S.ASSIGNED, _CLAIMED, "worker", fences=True),
    _row(_S.OPEN, Step.ASSIGN, _S.ASSIGNED, _CLAIMED, "coordinator", fences=True),
    _row(_S.OPEN, Step.SPAWN, _S.ASSIGNED, _CLAIMED, "coordinator", fences=True),
    _row(_S.ASSIGNED, Step.START, _S.WORKING, "epoch; also fired by the first commit", "worker, hook"),
    _row(_S.WORKING, Step.START, _S.WORKING, "epoch; ends the hold", "worker", held="any"),
    _row(_S.IN_REVIEW, Step.START, _S.WORKING, "epoch; withdraws the work from review", "worker"),
    _row(_STARTED, Step.RELEASE, _S.OPEN, "epoch", "worker, coordinator"),
    _row(_S.WORKING, Step.ASK, _S.WORKING, "epoch", "worker", hold=Hold.NEEDS_INPUT),
    _row(_S.WORKING, Step.ANSWER, _S.WORKING, "epoch", "coordinator", held=Hold.NEEDS_INPUT),
    _row(_S.WORKING, Step.DONE, _S.IN_REVIEW, _HANDED_IN, "worker"),
    _row(_STARTED, Step.PUSHED, _S.IN_REVIEW, _PUSHED, "hook"),
    _row(_S.WORKING, Step.ENDED, _S.WORKING, _ENDED + "there is nothing to hand in", "run", hold=Hold.NO_COMMITS),
    _row(_S.WORKING, Step.ENDED, _S.WORKING, _ENDED + "the tip is still where the last review or hold ended", "run",
         hold=Hold.NO_CHANGES),
    _row(_S.WORKING, Step.ENDED, _S.WORKING, _ENDED + "files are not committed", "run", hold=Hold.UNCOMMITTED),
    _row(_S.WORKING, Step.ENDED, _S.WORKING, _ENDED + "the branch still conflicts", "run", hold=Hold.CONFLICT),
    _row(_S.WORKING, Step.STOP, _S.WORKING, _STOPPED, "coordinator, run, reaper", hold=Hold.STOPPED),
    _row(_REVIEWED, Step.REQUEST_CHANGES, _S.WORKING, "the reviewer is not the task's worker", "reviewer",
         hold=Hold.CHANGES_REQUESTED),
    _row(_S.IN_REVIEW, Step.APPROVE, _S.APPROVED,
         "the reviewer is not the task's worker; the reviewed oid is the tip", "reviewer"),
    _row(_S.APPROVED, Step.MOVED, _S.IN_REVIEW, "the tip is not the reviewed oid and lands another tree", "hook"),
    _row(_S.APPROVED, Step.MERGE, _S.COMPLETED,
         "merge lock; the tip is the reviewed oid; merges clean; the check passes", "coordinator"),
    _row(_UNMERGED, Step.MERGED, _S.COMPLETED, "git proves that the branch's work is in the base", "hook, coordinator"),
    _row(_S.APPROVED, Step.CONFLICT, _S.WORKING, "the merge conflicts", "merge", hold=Hold.CONFLICT),
    _row(_S.APPROVED, Step.CHECK_FAILED, _S.WORKING, "the check on the merged tree failed", "merge",
         hold=Hold.CHECK_FAILED),
    _row(_STARTED, Step.REAP, _S.OPEN, _EXPIRED, "reaper", fences=True, held="none"),
    _row(_STARTED, Step.EXHAUST, _S.FAILED, "as reap, with all attempts used up", "reaper", fences=True, held="none"),
    _row(LIVE, Step.REASSIGN, _S.ASSIGNED, "starts the next attempt", "coordinator", fences=True),
    _row(LIVE, Step.FAIL, _S.FAILED, "a reason", "worker, coordinator"),
    _row(_S.FAILED, Step.RETRY, _S.OPEN, "", "coordinator"),
    _row(_UNMERGED, Step.CANCEL, _S.CANCELLED, "not while its merge runs", "coordinator", fences=True),
    _row(FINISHED, Step.REOPEN, _S.OPEN, "", "coordinator", fences=True),
    _row(_S.COMPLETED, Step.UNDO, _S.APPROVED, "`merge` merged it, and nothing builds on that merge", "coordinator",
         fences=True),
    *(_row(_S.CANCELLED, Step.UNDO, state, _RETURNS, "coordinator", fences=True) for state in _S
      if state in _UNMERGED),
)
# fmt: on


def after(
    state: State | None, hold: Hold | None, step: Step, target: State | None = None, into: Hold | None = None
) -> Move | None:
    """Return the move that a step makes from a state, or None if the table has no such row.

    state: None before the task exists
    hold: the task's hold
    target: for undo, the only step that leads to several states
    into: for ended, the only step that leads to several holds; None for no_commits
    """
    for move in MOVES:
        here = state in move.sources if state is not None else not move.sources
        there = move.target is target if step is Step.UNDO else True
        there = move.hold is (into or Hold.NO_COMMITS) if step is Step.ENDED else there
        if move.step is step and here and there and _holds(move.held, hold):
            return move
    return None


def _holds(wanted: str | None, hold: Hold | None) -> bool:
    return {None: True, "any": hold is not None, "none": hold is None}.get(wanted, hold == wanted)


def done_already(state: State, hold: Hold | None, step: Step) -> bool:
    """Return whether a step has nothing to do, because the task is already where it leads.

    Repeating such a step is not an error. Two steps always do something: reassign starts a new attempt, and undo goes
    one operation further back.
    """
    if step in (Step.REASSIGN, Step.UNDO):
        return False
    return any(m.step is step and m.target is state and m.hold == hold for m in MOVES)


# fmt: off
_PARTICIPLES = {
    Step.DONE: "done", Step.ASK: "asked", Step.START: "started", Step.STOP: "stopped", Step.MERGE: "merged",
    Step.CONFLICT: "conflicted", Step.REAP: "reaped", Step.EXHAUST: "exhausted",
    Step.REQUEST_CHANGES: "changes-requested", Step.CANCEL: "cancelled", Step.RETRY: "retried",
    Step.REASSIGN: "reassigned", Step.APPROVE: "approved", Step.RELEASE: "released", Step.CLAIM: "claimed",
    Step.UNDO: "undone",
}
# fmt: on


def event_kind(step: Step) -> str:
    """Return the kind of a step's event: `task.approved` for approve."""
    word = _PARTICIPLES.get(step)
    if word is None:
        word = step.value if step.value.endswith("ed") else f"{step.value}ed"
    return f"task.{word}"


class Task(Record):
    """A task as the store records it. Times are milliseconds since the epoch, oids are full hexadecimal names.

    head_oid, base_seen, upstream_seen: the tips of branch, base and the base's upstream at the last check of git
    worked: whether the branch was seen with commits of its own
    settled_oid: the tip at which the last review ended, or a hold after that tip was pushed
    resumed_oid: the tip at which the last review or hold ended
    pushed_oid, pushed_ref: the tip last seen on a remote, and the ref there
    likely_oid: the commit of the base that probably merged it
    reverted_oid: the commit of the base that reverts its merge
    amiss: what was last found to be wrong with branch or worktree
    """

    id: int
    name: str
    title: str
    body: str
    state: State
    hold: Hold | None
    priority: int
    base: str
    base_oid: str | None
    branch: str | None
    worktree: str | None
    head_oid: str | None
    reviewed_oid: str | None
    reviewer: str | None
    merged_oid: str | None
    merged_by: str | None
    attempt: int
    epoch: int
    version: int
    unresolved: int
    agent: str | None
    reason: str | None
    check_command: str | None
    not_before: int | None
    base_seen: str | None
    worked: int
    created_at: int
    state_at: int
    settled_oid: str | None = None
    pushed_oid: str | None = None
    pushed_ref: str | None = None
    upstream_seen: str | None = None
    likely_oid: str | None = None
    reverted_oid: str | None = None
    amiss: str | None = None
    resumed_oid: str | None = None

    @property
    def live(self) -> bool:
        """Return whether a worker or a reviewer has the task."""
        return self.state in LIVE

    @property
    def label(self) -> str:
        """Return the task's name for a sentence: `task 7`."""
        return f"task {self.id}"

    def own_check(self, default: Callable[[], str]) -> str | None:
        """Return the check that a merge of the task runs instead of agent.check; None if it is the same.

        default: returns agent.check; called only if the task has a check of its own
        """
        return self.check_command if self.check_command and self.check_command != default() else None
