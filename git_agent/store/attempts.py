"""Attempts: which branch and worktree each try at a task has, and so which worktree names which worker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from git_agent.domain.task import LIVE, State
from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import AttemptRow, LeaseRow, TaskRow

if TYPE_CHECKING:
    from git_agent.store.store import Store


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. admin: the worktree's name under `worktrees/`; start_oid: where the branch began;
    adopted: the branch was there before and is never deleted; removed: worktree and branch were taken away.
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
    """An attempt whose worktree was not removed, with what its task is now. seen: the tip that was last noted of it.

    beat_at, progress_at: of the task's lease, ms since the epoch, None without one.
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
    beat_at: int | None
    progress_at: int | None

    @property
    def superseded(self) -> bool:
        """Tell whether its worker has no say any more."""
        return self.epoch != self.task_epoch

    @property
    def working(self) -> bool:
        """Tell whether it is what its live task is worked on in."""
        return self.state in LIVE and not self.superseded


class Attempts:
    """The attempts of tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, task: int, number: int, epoch: int, branch: str, start_oid: str, *, adopted: bool) -> None:
        """Record a new attempt, before its worktree is made; one taken back before is replaced."""
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
        """Record that the attempt's worktree and branch were taken away."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(worktree=None, admin=None, removed=1).where(where))

    def bring_back(self, task: int, number: int, worktree: str | None, admin: str | None) -> None:
        """Record that what was taken away of an attempt is there again."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(worktree=worktree, admin=admin, removed=0).where(where))

    def go_on(self, task: int, number: int, epoch: int) -> None:
        """Let an attempt go on in a later epoch of its task: whoever stands in its worktree is not superseded."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        self._store.run(AttemptRow.update(epoch=epoch).where(where))

    def delete(self, task: int, number: int) -> None:
        """Take back an attempt."""
        self._store.run(AttemptRow.delete().where((AttemptRow.task == task) & (AttemptRow.number == number)))

    def find(self, task: int, number: int) -> Attempt | None:
        """Find an attempt by its number."""
        return self._first((AttemptRow.task == task) & (AttemptRow.number == number))

    def standing(self, task: int | None = None) -> list[Standing]:
        """List the attempts whose worktrees were not removed, of one task or of all, by task and number."""
        own = (AttemptRow.task, AttemptRow.number, AttemptRow.epoch, AttemptRow.branch, AttemptRow.worktree)
        of_task = (TaskRow.state, TaskRow.attempt, TaskRow.epoch, TaskRow.head_oid, TaskRow.amiss)
        query = (
            AttemptRow.select(
                *own, AttemptRow.admin, AttemptRow.head_oid, *of_task, LeaseRow.beat_at, LeaseRow.progress_at
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
        """Note the tip of an attempt that is not worked on any more; False when another look has."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number)
        new = AttemptRow.head_oid.is_null() | (AttemptRow.head_oid != oid)
        return bool(self._store.run(AttemptRow.update(head_oid=oid).where(where & new)))

    def relocate(self, task: int, number: int, worktree: str) -> bool:
        """Record that the attempt's worktree was moved; False when another look has."""
        where = (AttemptRow.task == task) & (AttemptRow.number == number) & (AttemptRow.worktree != worktree)
        return bool(self._store.run(AttemptRow.update(worktree=worktree).where(where)))

    def by_admin(self, admin: str) -> Attempt | None:
        """Find the attempt whose worktree has this name under `worktrees/`."""
        return self._first(AttemptRow.admin == admin)

    def by_branch(self, branch: str) -> Attempt | None:
        """Find the newest attempt with this branch."""
        return self._first(AttemptRow.branch == branch)

    def places(self, tasks: Iterable[int]) -> dict[int, tuple[str, str]]:
        """Map tasks to the worktree of the present attempt and its name under `worktrees/`; those that have one."""
        current = (AttemptRow.task == TaskRow.id) & (AttemptRow.number == TaskRow.attempt) & (AttemptRow.removed == 0)
        query = AttemptRow.select(AttemptRow.task, AttemptRow.worktree, AttemptRow.admin).join(TaskRow, on=current)
        rows = self._store.tuples(query.where(AttemptRow.task.in_(list(tasks)) & AttemptRow.admin.is_null(False)))
        decode = AttemptRow.worktree.python_value
        return {task: (decode(worktree) or "", decode(admin) or "") for task, worktree, admin in rows}

    def of_task(self, task: int) -> list[Attempt]:
        """List a task's attempts, the removed ones, too."""
        return [Attempt(**row) for row in self._store.dicts(AttemptRow.select().where(AttemptRow.task == task))]

    def admins(self) -> set[str]:
        """Name the registrations under `worktrees/` that belong to an attempt; one for each that was not removed."""
        rows = self._store.tuples(AttemptRow.select(AttemptRow.admin).where(AttemptRow.admin.is_null(False)))
        return {AttemptRow.admin.python_value(row[0]) or "" for row in rows}

    def numbers(self) -> dict[int, list[int]]:
        """Map tasks to the numbers of their attempts that were not removed."""
        found: dict[int, list[int]] = {}
        for task, number in self._store.tuples(
            AttemptRow.select(AttemptRow.task, AttemptRow.number).where(AttemptRow.removed == 0)
        ):
            found.setdefault(task, []).append(number)
        return found

    def branches(self, names: Sequence[str]) -> set[str]:
        """Return those of these branches that some attempt or task has or had."""
        found = set[str]()
        for at in range(0, len(names), 500):
            for table in (AttemptRow, TaskRow):
                rows = self._store.tuples(table.select(table.branch).where(table.branch.in_(names[at : at + 500])))
                found |= {row[0] for row in rows}
        return found

    def present(self, task: int) -> list[Attempt]:
        """List a task's attempts that were not removed, the first one first."""
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
