"""What became of the tasks of a merge queue, in words and as an exit code: pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from git_agent.domain.task import Task
from git_agent.errors import Exit


class Fate(StrEnum):
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
    fate: Fate
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


def together(tasks: Sequence[int]) -> str:
    """Name tasks in a sentence: `task 1`, `tasks 1 and 2`, `tasks 1, 2 and 3`."""
    *most, last = map(str, tasks)
    return f"tasks {', '.join(most)} and {last}" if most else f"task {last}"


def check_commands(tasks: Iterable[Task], default: str) -> tuple[str, ...]:
    """List the commands that check the merges of tasks, each once: a task's own, the repository's without one."""
    return tuple(dict.fromkeys(command for task in tasks if (command := task.check_command or default)))
