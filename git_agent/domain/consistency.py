"""Consistency of tasks: compare what is recorded with what is observed, and return findings. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from git_agent.domain.finding import Finding
from git_agent.domain.replay import Replayed
from git_agent.domain.task import Hold, State
from git_agent.record import Record


class RecordedTask(Record):
    """The columns of a task's row that follow from its events."""

    task: int
    state: State
    hold: Hold | None
    epoch: int
    version: int

    @classmethod
    def of(cls, task: int, state: str, hold: str | None, epoch: int, version: int) -> RecordedTask:
        """Make a row from plain values, as the store and a finding's data hold them."""
        return cls(task, State(state), Hold(hold) if hold else None, epoch, version)


def compare_with_events(row: RecordedTask, folded: Replayed) -> Finding | None:
    """Compare a task's row with the replay of its events; return None if they agree."""
    subject = f"task {row.task}"
    if folded.mismatch is not None:
        says = f"event {folded.mismatch.seq} of {subject} {folded.mismatch.why}"
        return Finding("history-broken", says, row.task, subject)
    if folded.state is None:
        return Finding("history-broken", f"{subject} has no events", row.task, subject)
    wanted = RecordedTask(row.task, folded.state, folded.hold, folded.epoch, folded.version)
    if row == wanted:
        return None
    names = [name for name in RecordedTask._fields if getattr(row, name) != getattr(wanted, name)]
    recorded, told = (", ".join(f"{name} {getattr(each, name)}" for name in names) for each in (row, wanted))
    data = {"row": list(row[1:]), "wanted": list(wanted[1:])}
    return Finding(
        "state-differs", f"{subject} is recorded with {recorded}; its events say {told}", row.task, subject, data=data
    )


def check_approval(task: int, state: State, reviewed: str | None, tip: str | None) -> Finding | None:
    """Compare an approval with the tip of the branch; return None if it applies.

    reviewed: the approved oid; tip: the branch's oid, None without a branch
    """
    if state is not State.APPROVED or tip is None or tip == reviewed:
        return None
    says = f"task {task} is approved at {(reviewed or '')[:12]}, its branch is at {tip[:12]}"
    return Finding("approval-unbound", says, task, f"task {task}", data={"reviewed": reviewed})


def check_lease(task: int, state: State, hold: Hold | None) -> Finding | None:
    """Return a finding if a task has a lease although nobody may be working on it."""
    if state in (State.ASSIGNED, State.WORKING) and hold is None:
        return None
    where = f"{state} {hold}" if hold else str(state)
    return Finding("lease-stray", f"task {task} is {where}, but has a lease", task, f"task {task}")


def check_worker(task: int, state: State, hold: Hold | None, *, attended: bool) -> Finding | None:
    """Return a finding if somebody should be working on a task and nobody is.

    attended: it has a lease, or was never run
    """
    if attended or hold is not None or state not in (State.ASSIGNED, State.WORKING):
        return None
    return Finding("nobody-works", f"task {task} is {state}, but nobody works on it", task, f"task {task}")


def check_dependencies(
    edges: Iterable[tuple[int, int]], states: Mapping[int, State], counts: Mapping[int, int]
) -> list[Finding]:
    """Check what tasks wait for.

    edges: pairs of a task and a task that it waits for
    states: the state of every task in edges that exists
    counts: the recorded number of unfinished tasks that each task waits for
    """
    parents: dict[int, list[int]] = {}
    for task, parent in edges:
        parents.setdefault(task, []).append(parent)
    found = []
    for task, wanted in parents.items():
        for parent in wanted:
            if parent not in states:
                says = f"task {task} waits for task {parent}, which does not exist"
                found.append(Finding("dependency-missing", says, task, f"{task} on {parent}", data={"parent": parent}))
    for loop in _loops(parents):
        says = " waits for ".join(f"task {task}" for task in (*loop, loop[0]))
        found.append(Finding("dependency-cycle", says, loop[0], f"tasks {sorted(loop)}"))
    for task, counted in counts.items():
        right = sum(states.get(parent) not in (None, State.COMPLETED) for parent in parents.get(task, ()))
        if counted != right:
            says = f"task {task} waits for {right} unfinished task{'s' * (right != 1)}; recorded: {counted}"
            found.append(Finding("dependency-count", says, task, f"task {task}", data={"was": counted, "count": right}))
    return found


def _loops(parents: Mapping[int, Sequence[int]]) -> list[tuple[int, ...]]:
    """Find each cycle once by a depth-first search that never follows a finished task again."""
    done, loops = set[int](), []
    for start in parents:
        path = [start]
        trail = [iter(parents.get(start, ()))] if start not in done else []
        while trail:
            step = next(trail[-1], None)
            if step is None:
                trail.pop()
                done.add(path.pop())
                continue
            if step in path:
                loops.append(tuple(path[path.index(step) :]))
            elif step not in done:
                path.append(step)
                trail.append(iter(parents.get(step, ())))
    return loops


def check_attempt(task: int, state: State, number: int, live: bool, there: Collection[int]) -> Finding | None:
    """Return a finding if a live task has no record of its current attempt.

    number: of the current attempt; there: numbers of the attempts that were not removed
    """
    if not live or number in there:
        return None
    return Finding("attempt-missing", f"task {task} is {state}, but has no attempt {number}", task, f"task {task}")
