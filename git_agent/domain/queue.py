"""The merge queue: outcomes, the order that conflicts least, and bisection. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.record import Record


class MergeStatus(StrEnum):
    """What became of a task: merged, sent back to its worker (conflict, check_failed), or still APPROVED (left_out)."""

    MERGED = "merged"
    CONFLICT = "conflict"
    CHECK_FAILED = "check_failed"
    LEFT_OUT = "left_out"


class Outcome(Record):
    """The result for one task of a queue.

    why: None if there is nothing to explain
    hint: what to do about it
    details: further lines (conflicting paths, the end of a check's output)
    log: the file with the whole output of its check
    exit: the exit code that this result requires
    code: code of the error that keeps the task out
    error: that error, None without one
    """

    task: int
    status: MergeStatus
    why: str | None = None
    hint: str = ""
    details: tuple[str, ...] = ()
    log: str | None = None
    exit: Exit = Exit.DONE
    code: str = ""
    error: AgentError | None = None


_FIRST = (Exit.ERROR, Exit.SUPERSEDED, Exit.CONFLICT, Exit.REFUSED, Exit.BUSY)


def exit_code(outcomes: Iterable[Outcome]) -> Exit:
    """Return the exit code of the whole queue. What needs a person ranks above what another try may solve."""
    found = {outcome.exit for outcome in outcomes}
    return next((code for code in _FIRST if code in found), Exit.DONE)


def name_tasks(tasks: Sequence[int]) -> str:
    """Name at least one task in a sentence: `task 1`, `tasks 1 and 2`, `tasks 1, 2 and 3`."""
    *most, last = map(str, tasks)
    return f"tasks {', '.join(most)} and {last}" if most else f"task {last}"


def check_commands(tasks: Iterable[Task], default: str) -> tuple[str, ...]:
    """List the check commands of tasks, each once.

    default: agent.check, for tasks without a check of their own
    """
    return tuple(dict.fromkeys(command for task in tasks if (command := task.check_command or default)))


def sequence(
    waiting: Iterable[Task], parents: Mapping[int, Iterable[int]], clashes: Iterable[frozenset[int]]
) -> list[Task]:
    """Return tasks in the order to merge them: dependencies first, then priority, then fewest clashes.

    Clashes are counted against the tasks that are still left. A branch that clashes with many others thus comes last
    and is updated only once.

    parents: the tasks that each task waits for
    clashes: pairs of ids
    """
    against: dict[int, set[int]] = {}
    for pair in clashes:
        for one in pair:
            against.setdefault(one, set()).update(pair - {one})
    left = {t.id: t for t in waiting}
    order: list[Task] = []
    while left:
        free = [t for t in left.values() if not left.keys() & set(parents.get(t.id, ()))] or list(left.values())
        chosen = min(free, key=lambda t: (t.priority, len(against.get(t.id, set()) & left.keys()), t.id))
        order.append(left.pop(chosen.id))
    return order


def first_failing(count: int, passes: Callable[[int], bool]) -> int | None:
    """Find by bisection the first change that breaks a sequence; return its number, or None if all of them pass.

    The whole sequence is checked first. If it fails, at most max_checks(count) further checks follow. The empty
    sequence is assumed to pass.

    count: how many changes there are, at least 1
    passes: tells whether the first `n` changes pass; called with 1 to count, never twice with the same number
    """
    if passes(count):
        return None
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    return bad


def max_checks(count: int) -> int:
    """Return the most checks that first_failing makes after the first one: log2(count), rounded up."""
    return (count - 1).bit_length()
