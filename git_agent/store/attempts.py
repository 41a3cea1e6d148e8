"""Attempts: the branch and the worktree of each try at a task. A worktree thus identifies its worker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain.task import LIVE, State
from git_agent.record import Record
from git_agent.store import statements
from git_agent.store.sql import decode_path, encode_path

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Attempt(Record):
    """One try at a task.

    admin: the worktree's name under `worktrees/`
    start_oid: the commit at which the branch began
    adopted: whether the branch existed before; such a branch is never deleted
    removed: whether worktree and branch were removed
    started_at: ms since the epoch
    head_oid: the last recorded tip of a superseded attempt's branch
    """

    task: int
    number: int
    epoch: int
    branch: str
    worktree: str | None
    admin: str | None
    start_oid: str
    adopted: int
    removed: int
    started_at: int
    head_oid: str | None = None


class Standing(Record):
    """An attempt whose worktree was not removed, with the current values of its task.

    seen: the last recorded tip of the attempt's branch
    attempt, task_epoch, head_oid, amiss, base, base_oid, worked: columns of the task
    beat_at, progress_at: from the task's lease, ms since the epoch; None without a lease
    """

    task: int
    number: int
    epoch: int
    branch: str
    worktree: str
    admin: str
    seen: str | None
    state: State
    attempt: int
    task_epoch: int
    head_oid: str | None
    amiss: str | None
    base: str
    base_oid: str | None
    worked: int
    beat_at: int | None
    progress_at: int | None

    @property
    def superseded(self) -> bool:
        """Return whether a later epoch superseded the attempt's worker."""
        return self.epoch != self.task_epoch

    @property
    def working(self) -> bool:
        """Return whether the task is live and this is the attempt that works on it."""
        return self.state in LIVE and not self.superseded


class Attempts:
    """The attempts of tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, task: int, number: int, epoch: int, branch: str, start_oid: str, *, adopted: bool) -> None:
        """Record a new attempt before its worktree is created. It replaces an attempt of the same number."""
        self.delete(task, number)
        self._store.change(
            statements.ADD_ATTEMPT,
            task=task,
            number=number,
            epoch=epoch,
            branch=branch,
            start_oid=start_oid,
            adopted=int(adopted),
        )

    def place(self, task: int, number: int, worktree: str, admin: str) -> None:
        """Record where the attempt's worktree is."""
        place = {"worktree": encode_path(worktree), "admin": encode_path(admin)}
        self._store.change(statements.PLACE_ATTEMPT, task=task, number=number, **place)

    def remove(self, task: int, number: int) -> None:
        """Record that the attempt's worktree and branch were removed."""
        self._store.change(statements.REMOVE_ATTEMPT, task=task, number=number)

    def bring_back(self, task: int, number: int, worktree: str | None, admin: str | None) -> None:
        """Record that the attempt's worktree and branch were restored."""
        place = {"worktree": encode_path(worktree), "admin": encode_path(admin)}
        self._store.change(statements.BRING_BACK_ATTEMPT, task=task, number=number, **place)

    def go_on(self, task: int, number: int, epoch: int) -> None:
        """Move an attempt to a later epoch of its task, so that the worker in its worktree is not superseded."""
        self._store.change(statements.MOVE_ATTEMPT_TO_EPOCH, task=task, number=number, epoch=epoch)

    def delete(self, task: int, number: int) -> None:
        """Delete the record of an attempt."""
        self._store.change(statements.DELETE_ATTEMPT, task=task, number=number)

    def find(self, task: int, number: int) -> Attempt | None:
        """Return an attempt by its number."""
        return self._first(statements.ATTEMPT, task=task, number=number)

    def standing(self, task: int | None = None) -> list[Standing]:
        """List the attempts whose worktrees were not removed, ordered by task and number.

        task: None for all tasks
        """
        if task is None:
            rows = self._store.rows(statements.STANDING_ATTEMPTS)
        else:
            rows = self._store.rows(statements.STANDING_ATTEMPTS_OF_TASK, task=task)
        return [_standing(row) for row in rows]

    def see(self, task: int, number: int, oid: str) -> bool:
        """Record the tip of a superseded attempt. Returns False when another process recorded the same one."""
        return bool(self._store.change(statements.SEE_TIP_OF_ATTEMPT, task=task, number=number, head_oid=oid))

    def relocate(self, task: int, number: int, worktree: str) -> bool:
        """Record that the attempt's worktree was moved. Returns False when another process recorded it."""
        path = encode_path(worktree)
        return bool(self._store.change(statements.RELOCATE_ATTEMPT, task=task, number=number, worktree=path))

    def by_admin(self, admin: str) -> Attempt | None:
        """Return the attempt whose worktree has this name under `worktrees/`."""
        return self._first(statements.ATTEMPT_BY_ADMIN, admin=encode_path(admin))

    def at_paths(self, paths: Sequence[str]) -> list[Attempt]:
        """List the attempts whose worktree is recorded at one of these paths, the longest path first."""
        found = self._list(statements.ATTEMPTS_AT_PATHS, paths=[encode_path(path) for path in paths])
        return sorted(found, key=lambda each: -len(each.worktree or ""))

    def first_started(self) -> float:
        """Return when the first attempt started, ms since the epoch; infinity without any."""
        [(found,)] = self._store.rows(statements.FIRST_STARTED)
        return float("inf") if found is None else float(found)

    def by_branch(self, branch: str) -> Attempt | None:
        """Return the newest attempt with this branch."""
        return self._first(statements.ATTEMPT_BY_BRANCH, branch=branch)

    def places(self, tasks: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Map tasks to the worktree of their current attempt and its name under `worktrees/`.

        Tasks without a worktree are left out.
        """
        rows = self._store.rows(statements.CURRENT_PLACES, tasks=list(tasks))
        return {task: (decode_path(worktree) or "", decode_path(admin) or "") for task, worktree, admin in rows}

    def of_task(self, task: int) -> list[Attempt]:
        """List a task's attempts, including removed ones."""
        return self._list(statements.ATTEMPTS_OF_TASK, task=task)

    def admins(self) -> set[str]:
        """Return the names under `worktrees/` that belong to attempts. Removed attempts have none."""
        return {decode_path(row[0]) or "" for row in self._store.rows(statements.ADMINS)}

    def numbers(self) -> dict[int, list[int]]:
        """Map each task to the numbers of its attempts that were not removed."""
        found: dict[int, list[int]] = {}
        for task, number in self._store.rows(statements.NUMBERS_OF_ATTEMPTS):
            found.setdefault(task, []).append(number)
        return found

    def branches(self, names: Sequence[str]) -> set[str]:
        """Return which of these branches belong, or belonged, to an attempt or a task."""
        found = set[str]()
        for at in range(0, len(names), 500):
            for statement in (statements.BRANCHES_OF_ATTEMPTS, statements.BRANCHES_OF_TASKS):
                found |= {row[0] for row in self._store.rows(statement, names=list(names[at : at + 500]))}
        return found

    def made(self, names: Collection[str]) -> dict[str, int]:
        """Map those of these branches that attempts created to their tasks. Removed attempts count, too."""
        wanted, rows = list(names), dict[str, int]()
        for at in range(0, len(wanted), 500):
            rows |= dict(self._store.rows(statements.TASKS_OF_OWN_BRANCHES, names=wanted[at : at + 500]))
        return rows

    def present(self, task: int) -> list[Attempt]:
        """List a task's attempts that were not removed, ordered by number."""
        return self._list(statements.PRESENT_ATTEMPTS, task=task)

    def _list(self, statement: str, **params: Any) -> list[Attempt]:
        found = (Attempt(*row) for row in self._store.rows(statement, **params))
        return [each._replace(worktree=decode_path(each.worktree), admin=decode_path(each.admin)) for each in found]

    def _first(self, statement: str, **params: Any) -> Attempt | None:
        return next(iter(self._list(statement, **params)), None)


def _standing(row: tuple[Any, ...]) -> Standing:
    values = dict(zip(Standing._fields, row, strict=True))
    paths = {name: decode_path(values[name]) for name in ("worktree", "admin", "amiss")}
    return Standing(**{**values, **paths, "state": State(values["state"])})
