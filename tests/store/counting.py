"""Count what SQLite does for a store, which is the same in each run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.domain.task import State
from git_agent.store.sqlite import apsw
from git_agent.store.store import Store


class Work:
    """What SQLite did: how many statements it ran, and how many instructions they took together."""

    def __init__(self) -> None:
        self.statements, self.steps = 0, 0

    def add(self, seen: dict[str, object]) -> None:
        status = seen["stmt_status"]
        assert isinstance(status, dict)
        self.statements += 1
        self.steps += status["SQLITE_STMTSTATUS_VM_STEP"]


@contextmanager
def counted(store: Store) -> Iterator[Work]:
    """Count what the block does on this thread's connection."""
    work, connection = Work(), store._database.connection()
    connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, work.add)
    try:
        yield work
    finally:
        connection.trace_v2(0, None)


def fill(store: Store, number: int, **columns: object) -> list[int]:
    """Add OPEN tasks in one transaction; return their numbers."""
    with store.transaction():
        first = store.sql("SELECT COALESCE(MAX(id), 0) + 1 FROM task")[0][0]
        for name in (f"t{first + n}" for n in range(number)):
            values = {"name": name, "name_key": name, "title": name, "priority": 2, "base": "main", **columns}
            store.tasks.insert(values, State.OPEN)
    return list(range(first, first + number))
