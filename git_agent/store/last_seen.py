"""The last recorded branches and bases of unfinished tasks: the part of a task that reconcile compares with git."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.record import Record
from git_agent.store import statements
from git_agent.store.stale import CLOCKS

if TYPE_CHECKING:
    from git_agent.domain.task import Task
    from git_agent.store.store import Store


class Sight(Record):
    """An unfinished task's branch and base as last recorded."""

    id: int
    branch: str
    head_oid: str | None
    base: str
    base_oid: str | None
    base_seen: str | None
    upstream_seen: str | None
    worked: int
    pushed_oid: str | None
    pushed_ref: str | None


class LastSeen:
    """The last recorded branches and bases of unfinished tasks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read_ahead(self, machine: str) -> None:
        """Read with one statement what reconciling asks for when nothing has happened.

        machine: the machine whose clocks to report
        """
        self._store.read_together(statements.BEFORE_EACH_COMMAND, clocks=CLOCKS + machine)

    def listing(self) -> list[Sight]:
        """List the last recorded values of the unfinished tasks that have a branch."""
        return [sight for row in self._store.rows(statements.SIGHTS) if (sight := Sight(*row)).branch]

    def bases(self) -> set[str]:
        """Return the bases of the unfinished tasks."""
        return {Sight(*row).base for row in self._store.rows(statements.SIGHTS)}

    def all_bases(self) -> set[str]:
        """Return the bases of all tasks, also finished ones."""
        return {row[0] for row in self._store.rows(statements.ALL_BASES)}

    def rename_base(self, old: str, new: str) -> list[Task]:
        """Give all tasks of a base, also finished ones, its new name; return the unfinished ones as they are now."""
        rows = self._store.rows(statements.UNFINISHED_OF_BASE, base=old)
        self._store.change(statements.RENAME_BASE, base=old, new=new)
        return [self._store.tasks.get(row[0]) for row in rows]

    def tips(self) -> set[str]:
        """Return the commits at which the branches of all tasks, also finished ones, were seen or reviewed."""
        return {oid for row in self._store.rows(statements.TIPS) for oid in row if oid}

    def stacked_on_merged(self) -> list[tuple[Task, Task]]:
        """List the unfinished tasks whose base is the branch of a completed task, each with that completed task."""
        rows = self._store.rows(statements.STACKED_ON_MERGED)
        return [(self._store.tasks.get(task), self._store.tasks.get(other)) for task, other in rows]
