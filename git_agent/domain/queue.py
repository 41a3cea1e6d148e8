"""The merge queue: outcomes, the order that conflicts least, and bisection. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from git_agent.domain.task import Task
from git_agent.errors import Exit


class MergeStatus(StrEnum):
    """What became of a task: it landed, was sent back to its worker, or stays APPROVED as it was."""

    MERGED = "merged"
    CONFLICT = "conflict"
    CHECK_FAILED = "check_failed"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one task. why: None where there is nothing to explain; helps: what to do about it; details: more
    lines (paths, the end of a check); log: the file with all that its check printed; exit: the code that it asks for;
    code: of the error that keeps it out, for machines.
    """

    task: int
    status: MergeStatus
    why: str | None = None
    helps: str = ""
    details: tuple[str, ...] = ()
    log: str | None = None
    exit: Exit = Exit.DONE
    code: str = ""


_FIRST = (Exit.ERROR, Exit.SUPERSEDED, Exit.CONFLICT, Exit.REFUSED, Exit.BUSY)


def exit_code(outcomes: Iterable[Outcome]) -> Exit:
    """Choose the exit code of all: what a person has to look at comes before what goes away by itself."""
    found = {outcome.exit for outcome in outcomes}
    return next((code for code in _FIRST if code in found), Exit.DONE)


def name_tasks(tasks: Sequence[int]) -> str:
    """Name tasks in a sentence: `task 1`, `tasks 1 and 2`, `tasks 1, 2 and 3`."""
    *most, last = map(str, tasks)
    return f"tasks {', '.join(most)} and {last}" if most else f"task {last}"


def check_commands(tasks: Iterable[Task], default: str) -> tuple[str, ...]:
    """List the commands that check the merges of tasks, each once: a task's own, the repository's without one."""
    return tuple(dict.fromkeys(command for task in tasks if (command := task.check_command or default)))


def sequence(
    waiting: Iterable[Task], parents: Mapping[int, Iterable[int]], clashes: Iterable[frozenset[int]]
) -> list[Task]:
    """Put tasks in the order to merge them: what others wait for, then by priority, then what clashes least first.

    parents: the tasks that each one waits for; clashes: pairs of ids. Fewest clashes with what is left: so one branch
    that clashes with many gives way to all of them, and is brought up to date once.
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
    """Find the number of the change with which the first `number` of them fail, while those before it pass.

    count: how many there are; passes: asked with a number from 1 to count, about no number twice. All are asked about
    first: when they pass, nothing more is asked and None returned; else the number is found with as many questions as
    count has binary digits at most. No change at all is taken to pass.
    """
    if passes(count):
        return None
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    return bad


def max_checks(count: int) -> int:
    """Say how many questions first_failing asks at most once the whole has failed: the logarithm, rounded up."""
    return (count - 1).bit_length()
