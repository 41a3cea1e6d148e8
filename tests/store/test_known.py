"""Statements that are run together: the same rows as one by one, and never older ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from git_agent.domain.message import Draft
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State, Task
from git_agent.store import statements
from git_agent.store.sql import Together, expanded
from git_agent.store.store import Store
from tests.store.conftest import Add

OWNER = ProcessId("höst", "boot", 42, 1000)
TOGETHER = {name: value for name, value in vars(statements).items() if isinstance(value, Together)}


@pytest.fixture
def tasks(store: Store, add: Add) -> list[Task]:
    """Return tasks with everything that a command reads: parents, paths, attempts, leases, messages, sessions."""
    made = [add(name, state) for name, state in zip("dcba", (State.WORKING, State.COMPLETED) * 2, strict=True)]
    made.append(add("waits", priority=0))
    with store.transaction():
        for number, task in enumerate(made[:4], 1):
            store.attempts.add(task.id, number, 1, f"agent/{task.name}", "a" * 40, adopted=False)
            store.attempts.place(task.id, number, f"/tree/{number} \udcff", f"{number}-\udcfc")
            store.leases.take(task.id, "claim", 100.0 if number % 2 else -5.0)
            store.messages.send(
                [Draft(str(task.id), "line\nzwei \u2028", task.id, needs_ack=True)], "Ada", verified=True
            )
            store.meta.put(f"scanned:base-{number}", "b" * 40)
        store.tasks.set_parents(made[4].id, [made[0].id, made[2].id])
        store.tasks.set_paths(made[4].id, ["src/", ":(glob)docs/**"])
        store.intents.write("spawn", made[0].id, OWNER, {"branch": "x"})
        store.meta.put("hooks", "on")
    return made


def _params(tasks: list[Task]) -> dict[str, Any]:
    ids = [task.id for task in tasks]
    listed = {"tasks": ids, "recipients": [str(each) for each in ids], "task": ids[0]}
    return {**listed, "clocks": "clocks:m", "after": 0, "limit": 5}


def _one_by_one(store: Store, together: Together, params: dict[str, Any]) -> list[list[tuple[Any, ...]]]:
    asked = ((part, together.share(part, params)) for part in together.parts)
    return [store._database.rows(*expanded(part, own)) for part, own in asked]


def _without_clock(name: str, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [row[1:] for row in rows] if name == statements.LEASE_SUMMARY else rows


@pytest.mark.parametrize("name", TOGETHER)
def test_statements_that_are_run_together_give_the_rows_that_each_gives_alone(
    store: Store, tasks: list[Task], name: str
) -> None:
    together, params = TOGETHER[name], _params(tasks)
    store.read_together(together, **params)
    alone = _one_by_one(store, together, params)
    assert sum(map(len, alone)) > len(alone)
    for part, rows in zip(together.parts, alone, strict=True):
        known = store.known(part, **together.share(part, params))
        assert known is not None and _without_clock(part, known) == _without_clock(part, rows)


def test_what_is_known_is_not_read_again(store: Store, tasks: list[Task]) -> None:
    asked: list[str] = []

    def asks(cursor: object, text: str, values: object) -> bool:
        asked.append(text)
        return True

    store.last_seen.read_ahead("m")
    store._database.connection().exec_trace = asks
    assert len(store.attempts.standing()) == 4 and len(store.last_seen.listing()) == 2
    assert store.meta.get("hooks") == "on" and store.meta.get("unsaid") is None
    assert set(store.meta.under("scanned:")) == {f"base-{number}" for number in range(1, 5)}
    assert [text for text in asked if "pragma" not in text] == []


def test_a_change_of_another_connection_is_seen_at_once(store: Store, tasks: list[Task]) -> None:
    store.last_seen.read_ahead("m")
    other = Store.open(str(Path(store.path).parent), create=False)
    other.meta.put("hooks", "off")
    other.close()
    assert store.meta.get("hooks") == "off"


def test_what_a_closed_connection_knew_is_not_known_to_the_next(store: Store, tasks: list[Task]) -> None:
    def change(value: str) -> None:
        other = Store.open(str(Path(store.path).parent), create=False)
        other.meta.put("hooks", value)
        other.close()

    for number in range(3):  # the numbers with which SQLite tells changes apart begin anew with each connection
        store.last_seen.read_ahead("m")
        store.close()
        change(f"closed {number}")
        store.reopen()
        assert store.meta.get("hooks") == f"closed {number}"
    store.last_seen.read_ahead("m")
    with store.beside():
        change("beside")
        assert store.meta.get("hooks") == "beside"


def test_a_change_of_ones_own_is_seen_at_once(store: Store, tasks: list[Task]) -> None:
    for change in (
        lambda: store.meta.put("hooks", "1"),
        lambda: store.rows("UPDATE meta SET value = :value WHERE key = :key RETURNING key", key="hooks", value="2"),
        lambda: store.sql("UPDATE meta SET value = '3' WHERE key = 'hooks'"),
    ):
        store.last_seen.read_ahead("m")
        before = store.meta.get("hooks")
        change()
        assert store.meta.get("hooks") != before
    store.last_seen.read_ahead("m")
    with store.transaction():
        store.meta.put("hooks", "4")
        assert store.meta.get("hooks") == "4"
        store.last_seen.read_ahead("m")  # within a transaction nothing is remembered
    assert store.meta.get("hooks") == "4"


def test_who_changes_a_list_of_rows_changes_nothing_for_the_next(store: Store, tasks: list[Task]) -> None:
    store.last_seen.read_ahead("m")
    store.rows(statements.SIGHTS).clear()
    assert len(store.rows(statements.SIGHTS)) == 3


def test_what_depends_on_the_time_is_read_again_after_a_while(store: Store, tasks: list[Task]) -> None:
    store.last_seen.read_ahead("m")
    store._known._at -= 2
    assert store.known(statements.LEASE_SUMMARY, clocks="clocks:m") is None


def test_damage_in_one_table_is_reported_by_the_statement_that_reads_it(store: Store, tasks: list[Task]) -> None:
    with apsw.Connection(store.path) as other:
        other.execute("UPDATE meta SET value = x'ff00' WHERE key = 'hooks'")
    store.last_seen.read_ahead("m")
    assert len(store.last_seen.listing()) == 2
    assert store.meta.get("hooks") == b"\xff\x00"
