"""Complete histories for doctor: task rows next to the state changes that must produce them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from git_agent.domain.consistency import RecordedTask
from git_agent.domain.replay import StateChange
from git_agent.domain.task import Hold, State
from git_agent.store.sql import NOW

if TYPE_CHECKING:
    from git_agent.store.store import Store

_PORTION = 500  # tasks read at once; bounds the memory and lets progress be shown


class Audit:
    """Task rows next to the state changes whose replay must produce them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def portions(self) -> Iterator[list[int]]:
        """Yield the ids of all tasks that have a row or an event, oldest first, 500 at a time."""
        ids = [
            row[0]
            for row in self._store.sql("SELECT id FROM task UNION SELECT DISTINCT task FROM event WHERE task > 0", ())
        ]
        yield from (ids[at : at + _PORTION] for at in range(0, len(ids), _PORTION))

    def rows(self, first: int, last: int) -> dict[int, RecordedTask]:
        """Map the tasks from id first to id last to their rows."""
        query = "SELECT id, state, hold, epoch, version FROM task WHERE id BETWEEN ? AND ?"
        return {row[0]: RecordedTask.of(*row) for row in self._store.sql(query, (first, last))}

    def changes(self, first: int, last: int) -> dict[int, list[StateChange]]:
        """Map the tasks from id first to id last to their changes of state, in order."""
        query = (
            "SELECT task, seq, kind, source, target, epoch, version, json_extract(data, '$.hold') FROM event"
            " WHERE task BETWEEN ? AND ? AND (version IS NOT NULL OR target IS NOT NULL) ORDER BY task, seq"
        )
        found = groupby(self._store.sql(query, (first, last)), key=lambda row: row[0])
        return {task: [StateChange(*row[1:]) for row in group] for task, group in found}

    def undone(self, tasks: list[int]) -> set[int]:
        """Return which of these tasks are known to have no row: their creation was undone, or doctor recorded the loss.

        Any other task without a row is damage.
        """
        marks = ", ".join("?" * len(tasks))
        noted = "kind = 'doctor.fixed' AND json_extract(data, '$.code') = 'task-lost'"
        query = f"SELECT task FROM event WHERE (kind = 'task.taken-back' OR {noted}) AND task IN ({marks})"
        return {row[0] for row in self._store.sql(query, tuple(tasks))}

    def edges(self) -> list[tuple[int, int]]:
        """List the dependencies as pairs: a task, and the parent that it waits for."""
        return [
            (row[0], row[1]) for row in self._store.sql("SELECT task, parent FROM task_dep ORDER BY task, parent", ())
        ]

    def states(self, tasks: set[int]) -> dict[int, State]:
        """Map those of these tasks that exist to their states."""
        return {row[0]: State(row[1]) for row in self._store.sql("SELECT id, state FROM task", ()) if row[0] in tasks}

    def counts(self) -> dict[int, int]:
        """Map the unfinished tasks to their recorded number of unresolved parents."""
        query = "SELECT id, unresolved FROM task WHERE state NOT IN ('COMPLETED','CANCELLED')"
        return dict(self._store.sql(query, ()))

    def leased(self) -> list[tuple[int, State, Hold | None]]:
        """List the tasks that have a lease, with state and hold."""
        query = "SELECT t.id, t.state, t.hold FROM lease l JOIN task t ON t.id = l.task ORDER BY 1"
        return [(row[0], State(row[1]), Hold(row[2]) if row[2] else None) for row in self._store.sql(query, ())]

    def set_row(self, task: int, was: RecordedTask, to: RecordedTask) -> bool:
        """Set a row to what its events say, and recount the tasks that wait for it. Call it in a transaction.

        was: the row as it was read
        to: the row as it must be
        Returns False, changing nothing, when the row is no longer as it was read.
        """
        query = (
            f"UPDATE task SET state = ?, hold = ?, epoch = ?, version = ?, state_at = {NOW}"
            " WHERE id = ? AND state = ? AND hold IS NOT DISTINCT FROM ? AND epoch = ? AND version = ? RETURNING id"
        )
        if not self._store.sql(query, (*map(_plain, to[1:]), task, *map(_plain, was[1:]))):
            return False
        waited = "SELECT COUNT(*) FROM task_dep d JOIN task p ON p.id = d.parent WHERE d.task = task.id"
        query = f"UPDATE task SET unresolved = ({waited} AND p.state <> 'COMPLETED')"
        self._store.sql(f"{query} WHERE id IN (SELECT task FROM task_dep WHERE parent = ?)", (task,))
        return True

    def set_count(self, task: int, was: int, to: int) -> bool:
        """Correct a task's number of unresolved parents. Call it in a transaction.

        was: the number as it was read
        Returns False, changing nothing, when it is no longer that number.
        """
        query = "UPDATE task SET unresolved = ? WHERE id = ? AND unresolved = ? RETURNING id"
        return bool(self._store.sql(query, (to, task, was)))


def _plain(value: object) -> object:
    return str(value) if isinstance(value, State | Hold) else value
