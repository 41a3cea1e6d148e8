"""Attempts: the branch and the worktree of each try at a task. A worktree thus identifies its worker."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.domain.task import LIVE, State
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import AttemptRow, LeaseRow, TaskRow

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Attempt(NamedTuple):
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


class Standing(NamedTuple):
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
        self._store.run(
            AttemptRow.insert(
                task=task,
                number=number,
                epoch=epoch,
                branch=branch,
                start_oid=start_oid,
                adopted=int(adopted),
                removed=0,
                started_at=NOW_MS,
            )
        )

    def place(self, task: int, number: int, worktree: str, admin: str) -> None:
        """Record where the attempt's worktree is."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(worktree=worktree, admin=admin).where(where))

    def remove(self, task: int, number: int) -> None:
        """Record that the attempt's worktree and branch were removed."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(worktree=None, admin=None, removed=1).where(where))

    def bring_back(self, task: int, number: int, worktree: str | None, admin: str | None) -> None:
        """Record that the attempt's worktree and branch were restored."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(worktree=worktree, admin=admin, removed=0).where(where))

    def go_on(self, task: int, number: int, epoch: int) -> None:
        """Move an attempt to a later epoch of its task, so that the worker in its worktree is not superseded."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(epoch=epoch).where(where))

    def delete(self, task: int, number: int) -> None:
        """Delete the record of an attempt."""
        self._store.run(AttemptRow.delete().where((AttemptRow.task == task) & (AttemptRow.number == number)))

    def find(self, task: int, number: int) -> Attempt | None:
        """Return an attempt by its number."""
        return self._first((AttemptRow.task == task) & (AttemptRow.number == number))

    def standing(self, task: int | None = None) -> list[Standing]:
        """List the attempts whose worktrees were not removed, ordered by task and number.

        task: None for all tasks
        """
        own = (AttemptRow.task, AttemptRow.number, AttemptRow.epoch, AttemptRow.branch, AttemptRow.worktree)
        of_task = (TaskRow.state, TaskRow.attempt, TaskRow.epoch, TaskRow.head_oid, TaskRow.amiss)
        of_base = (TaskRow.base, TaskRow.base_oid, TaskRow.worked)
        query = (
            AttemptRow.select(
                *own, AttemptRow.admin, AttemptRow.head_oid, *of_task, *of_base, LeaseRow.beat_at, LeaseRow.progress_at
            )
            .join(TaskRow, on=(TaskRow.id == AttemptRow.task))
            .join(LeaseRow, peewee.JOIN.LEFT_OUTER, on=(LeaseRow.task == AttemptRow.task))
            .where((AttemptRow.removed == 0) & AttemptRow.admin.is_null(False))
            .order_by(AttemptRow.task, AttemptRow.number)
        )
        return [
            _standing(row)
            for row in self._store.tuples(query if task is None else query.where(AttemptRow.task == task))
        ]

    def see(self, task: int, number: int, oid: str) -> bool:
        """Record the tip of a superseded attempt. Returns False when another process recorded the same one."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        new = AttemptRow.head_oid.is_null() | (AttemptRow.head_oid != oid)
        return bool(self._store.run(AttemptRow.update(head_oid=oid).where(where & new)))

    def relocate(self, task: int, number: int, worktree: str) -> bool:
        """Record that the attempt's worktree was moved. Returns False when another process recorded it."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number) & (AttemptRow.worktree != worktree)
        return bool(self._store.run(AttemptRow.update(worktree=worktree).where(where)))

    def by_admin(self, admin: str) -> Attempt | None:
        """Return the attempt whose worktree has this name under `worktrees/`."""
        return self._first(AttemptRow.admin == admin)

    def at_paths(self, paths: Sequence[str]) -> list[Attempt]:
        """List the attempts whose worktree is recorded at one of these paths, the longest path first."""
        rows = self._store.dicts(AttemptRow.select().where(AttemptRow.worktree.in_(paths)))
        return sorted((Attempt(**row) for row in rows), key=lambda each: -len(each.worktree or ""))

    def first_started(self) -> float:
        """Return when the first attempt started, ms since the epoch; infinity without any."""
        [(found,)] = self._store.tuples(AttemptRow.select(peewee.fn.MIN(AttemptRow.started_at)))
        return float("inf") if found is None else float(found)

    def by_branch(self, branch: str) -> Attempt | None:
        """Return the newest attempt with this branch."""
        return self._first(AttemptRow.branch == branch)

    def places(self, tasks: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Map tasks to the worktree of their current attempt and its name under `worktrees/`.

        Tasks without a worktree are left out.
        """
        current = (AttemptRow.task == TaskRow.id) & (AttemptRow.number == TaskRow.attempt) & (AttemptRow.removed == 0)
        query = AttemptRow.select(AttemptRow.task, AttemptRow.worktree, AttemptRow.admin).join(TaskRow, on=current)
        rows = self._store.tuples(query.where(AttemptRow.task.in_(list(tasks)) & AttemptRow.admin.is_null(False)))
        decode = AttemptRow.worktree.python_value
        return {task: (decode(worktree) or "", decode(admin) or "") for task, worktree, admin in rows}

    def of_task(self, task: int) -> list[Attempt]:
        """List a task's attempts, including removed ones."""
        return [Attempt(**row) for row in self._store.dicts(AttemptRow.select().where(AttemptRow.task == task))]

    def admins(self) -> set[str]:
        """Return the names under `worktrees/` that belong to attempts. Removed attempts have none."""
        rows = self._store.tuples(AttemptRow.select(AttemptRow.admin).where(AttemptRow.admin.is_null(False)))
        return {AttemptRow.admin.python_value(row[0]) or "" for row in rows}

    def numbers(self) -> dict[int, list[int]]:
        """Map each task to the numbers of its attempts that were not removed."""
        found: dict[int, list[int]] = {}
        for task, number in self._store.tuples(
            AttemptRow.select(AttemptRow.task, AttemptRow.number).where(AttemptRow.removed == 0)
        ):
            found.setdefault(task, []).append(number)
        return found

    def branches(self, names: Sequence[str]) -> set[str]:
        """Return which of these branches belong, or belonged, to an attempt or a task."""
        found = set[str]()
        for at in range(0, len(names), 500):
            for table in (AttemptRow, TaskRow):
                rows = self._store.tuples(table.select(table.branch).where(table.branch.in_(names[at : at + 500])))
                found |= {row[0] for row in rows}
        return found

    def made(self, tasks: Collection[int]) -> dict[str, int]:
        """Map the branches that attempts at these tasks created to the tasks. Removed attempts count, too."""
        wanted, rows = list(tasks), dict[str, int]()
        for at in range(0, len(wanted), 500):
            own = AttemptRow.task.in_(wanted[at : at + 500]) & (AttemptRow.adopted == 0)
            rows |= dict(self._store.tuples(AttemptRow.select(AttemptRow.branch, AttemptRow.task).where(own)))
        return rows

    def present(self, task: int) -> list[Attempt]:
        """List a task's attempts that were not removed, ordered by number."""
        where = (AttemptRow.task == task) & (AttemptRow.removed == 0)
        rows = self._store.dicts(AttemptRow.select().where(where).order_by(AttemptRow.number))
        return [Attempt(**row) for row in rows]

    def _first(self, where: Any) -> Attempt | None:
        rows = self._store.dicts(AttemptRow.select().where(where).order_by(AttemptRow.started_at.desc()).limit(1))
        return next((Attempt(**row) for row in rows), None)


def _standing(row: tuple[Any, ...]) -> Standing:
    decode = AttemptRow.worktree.python_value
    values = dict(zip(Standing._fields, row, strict=True))
    paths = {name: decode(values[name]) for name in ("worktree", "admin", "amiss")}
    return Standing(**{**values, **paths, "state": State(values["state"])})
