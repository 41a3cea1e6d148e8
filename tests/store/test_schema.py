"""The tables: the same in models and migrations, and unable to hold an impossible row."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.task import LIVE, Hold, State
from git_agent.store import schema
from git_agent.store.errors import Violation
from git_agent.store.sql import decode_path, encode_path
from git_agent.store.store import Store
from tests.store.conftest import Add

pytestmark = pytest.mark.usefixtures("store")
TASK: dict[str, Any] = {
    **{"name": "a", "name_key": "a", "title": "A", "body": "", "state": "OPEN", "priority": 2, "base": "main"},
    **{"attempt": 0, "epoch": 0, "version": 0, "unresolved": 0, "worked": 0, "created_at": 1, "state_at": 1},
}
PLACED = {"branch": "agent/1-a", "attempt": 1, "epoch": 1, "reviewed_oid": "a" * 40}


def _sql(store: Store, text: str, *params: object) -> list[tuple[Any, ...]]:
    return store.sql(text, params)


def test_every_table_has_its_model_and_every_model_its_table(store: Store) -> None:
    tables = {name for (name,) in _sql(store, "SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables - {"sqlite_sequence"} == {model._meta.table_name for model in schema.TABLES}


@pytest.mark.parametrize("model", schema.TABLES, ids=lambda model: model._meta.table_name)
def test_a_model_has_the_columns_that_the_migrations_made(store: Store, model: Any) -> None:
    made = {row[1]: (row[2], bool(row[3]) or bool(row[5]), row[5] > 0) for row in _columns(store, model)}
    meta = model._meta
    keys = set(meta.get_primary_keys()) if meta.primary_key else set()
    said = {
        field.column_name: (_type(field), not field.null or field in keys, field in keys)
        for field in meta.sorted_fields
    }
    assert said == made
    assert list(said) == list(made)  # tasks are read by position


def _columns(store: Store, model: Any) -> list[tuple[Any, ...]]:
    return _sql(store, f"PRAGMA table_info({model._meta.table_name})")


def _type(field: Any) -> str:
    return {"AUTO": "INTEGER", "INT": "INTEGER"}.get(field.field_type, field.field_type)


def test_every_column_of_a_task_is_a_field_of_the_task() -> None:

    from git_agent.domain.task import Task

    assert set(Task._fields) == {f.name for f in schema.TaskRow._meta.sorted_fields} - {"name_key"}


def test_the_words_in_the_checks_are_those_of_the_domain(store: Store, add: Add) -> None:
    for number, state in enumerate(State):
        add(f"in-{number}", state)
    for number, hold in enumerate(Hold):
        add(f"held-{number}", State.WORKING, hold=hold)
    assert len(store.tasks.listing()) == len(State) + len(Hold)


IMPOSSIBLE: list[tuple[str, dict[str, Any]]] = [
    ("an unknown state", {"state": "DOING"}),
    ("a state in small letters", {"state": "open"}),
    ("an unknown hold", {**PLACED, "state": "WORKING", "hold": "bored"}),
    *[(f"a hold while {s}", {**PLACED, "state": s, "hold": "conflict"}) for s in State if s is not State.WORKING],
    *[(f"{s} without a branch", {**PLACED, "state": s, "branch": None}) for s in sorted(LIVE)],
    *[(f"{s} without an attempt", {**PLACED, "state": s, "attempt": 0}) for s in sorted(LIVE)],
    *[(f"{s} without an epoch", {**PLACED, "state": s, "epoch": 0}) for s in sorted(LIVE)],
    ("APPROVED without a reviewed commit", {**PLACED, "state": "APPROVED", "reviewed_oid": None}),
    ("priority 5", {"priority": 5}),
    ("priority -1", {"priority": -1}),
    ("an empty name", {"name": ""}),
    ("a negative count of parents", {"unresolved": -1}),
    ("worked twice", {"worked": 2}),
    ("an unknown way of merging", {"merged_by": "magic"}),
    ("no title", {"title": None}),
]


@pytest.mark.parametrize(("what", "columns"), IMPOSSIBLE, ids=[what for what, _ in IMPOSSIBLE])
def test_an_impossible_task_is_refused(store: Store, what: str, columns: dict[str, Any]) -> None:
    _insert(store, "task", {**TASK, **PLACED, "state": "WORKING"})
    _insert(store, "task", {**TASK, "name": "b", "name_key": "b"})
    with pytest.raises(Violation):
        _insert(store, "task", {**TASK, "name": "c", "name_key": "c", **columns})
    with pytest.raises(Violation):  # not by a change either
        row = {**TASK, "name": "c", "name_key": "c", **columns}
        _sql(store, f"UPDATE task SET {', '.join(f'{c} = ?' for c in row)} WHERE id = 2", *row.values())


def _insert(store: Store, table: str, row: dict[str, Any]) -> None:
    _sql(store, f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *row.values())


LEASE = {"task": 1, "kind": "hand", "beat_at": 1, "progress_at": 1}
OWNER = {"host": "h", "boot_id": "b", "pid": 1, "pid_start": 1}
ATTEMPT = {"task": 1, "number": 1, "epoch": 1, "branch": "b", "start_oid": "o", "adopted": 0, "removed": 0}
EVENT = {"at": 1, "kind": "task.added", "actor": "Ada", "data": "{}"}
MESSAGE = {"sender": "7", "urgent": 0, "needs_ack": 0, "body": "x", "verified": 0, "sent_at": 1}
ROWS: list[tuple[str, str, dict[str, Any]]] = [
    ("a lease by hand that expires", "lease", {**LEASE, "expires_at": 5}),
    ("a claim that never expires", "lease", {**LEASE, "kind": "claim"}),
    ("a run that never expires", "lease", {**LEASE, "kind": "run"}),
    ("an unknown kind of lease", "lease", {**LEASE, "kind": "buy", "expires_at": 5}),
    ("a lease of no task", "lease", {**LEASE, "task": 99}),
    ("an attempt of no task", "attempt", {**ATTEMPT, "task": 99, "started_at": 1}),
    ("a task that waits for itself", "task_dep", {"task": 1, "parent": 1}),
    ("a task that waits for none", "task_dep", {"task": 1, "parent": 99}),
    ("a session of no task", "session", {"task": 99, "epoch": 1, **OWNER, "started_at": 1}),
    ("an event that is no JSON", "event", {**EVENT, "data": "{"}),
    ("an event from an unknown state", "event", {**EVENT, "source": "DOING"}),
    ("an event to an unknown state", "event", {**EVENT, "target": "DOING"}),
    ("an intent that is no JSON", "intent", {"kind": "spawn", "task": 1, "data": "x", **OWNER, "at": 1}),
    ("a delivery of no message", "delivery", {"message": 99, "recipient": "7", "state": "new"}),
    ("an unknown state of a delivery", "delivery", {"message": 1, "recipient": "7", "state": "lost"}),
    ("a message that is half urgent", "message", {**MESSAGE, "urgent": 2}),
    ("a claimed path of no task", "path_claim", {"task": 99, "pathspec": "src"}),
]


@pytest.mark.parametrize(("what", "table", "row"), ROWS, ids=[what for what, *_ in ROWS])
def test_an_impossible_row_is_refused(store: Store, what: str, table: str, row: dict[str, Any]) -> None:
    _insert(store, "task", TASK)
    _insert(store, "message", MESSAGE)
    with pytest.raises(Violation):
        _insert(store, table, row)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("task", {**TASK, "name": "A"}),
        ("attempt", {**ATTEMPT, "worktree": "/w", "started_at": 1}),
        ("attempt", {**ATTEMPT, "admin": "w", "started_at": 1}),
        ("intent", {"kind": "spawn", "task": 1, "data": "{}", **OWNER, "at": 1}),
        ("event", {**EVENT, "task": 1, "version": 3}),
        ("delivery", {"message": 1, "recipient": "7", "state": "new"}),
    ],
    ids=["a name", "a worktree", "a worktree's directory in git", "an intent", "a version's event", "a delivery"],
)
def test_there_is_only_one_of_each(store: Store, table: str, row: dict[str, Any]) -> None:
    if table != "task":
        _insert(store, "task", TASK)
    _insert(store, "message", MESSAGE)
    _insert(store, table, row)
    if table == "attempt":
        row = {**row, "number": 2}
    with pytest.raises(Violation):
        _insert(store, table, row)


def test_a_name_is_free_again_when_its_task_is_finished(store: Store) -> None:
    for state in ("COMPLETED", "CANCELLED", "COMPLETED", "OPEN"):
        _insert(store, "task", {**TASK, "state": state})
    with pytest.raises(Violation):
        _insert(store, "task", {**TASK, "state": "FAILED"})


def test_events_can_only_be_appended(store: Store) -> None:
    with store.transaction():
        store.events.append("task.added", "Ada", task=1)
        store.events.append("task.noted", "Ada", task=1)
    before = store.events.of_task(None)
    for change in ("UPDATE event SET actor = 'Mallory'", "DELETE FROM event", "DELETE FROM event WHERE seq = 2"):
        with pytest.raises(Violation, match="append-only"):
            _sql(store, change)
    assert store.events.of_task(None) == before and len(before) == 2


def test_numbers_are_never_used_again(store: Store, add: Add) -> None:
    first = add("one")
    with store.transaction():
        store.tasks.delete(first)
    assert add("two").id == first.id + 1


@given(st.binary(max_size=60).filter(lambda raw: b"\0" not in raw))
def test_any_path_of_a_file_system_comes_back_as_it_was(raw: bytes) -> None:
    path = os.fsdecode(raw)
    kept = encode_path(path)
    assert kept is not None
    assert kept.encode().decode() == kept  # what SQLite is given is UTF-8
    assert os.fsencode(decode_path(kept) or "") == raw


@pytest.mark.parametrize(
    "raw", [b"/src/caf\xe9/7-fix", b"/src/\xff\xfe\x80", "/src/é日本😀".encode(), b"/src/\xed\xb2\x80"]
)
def test_a_worktree_whose_path_is_not_utf8_comes_back_as_it_was(store: Store, add: Add, raw: bytes) -> None:
    task = add("a")
    with store.transaction():
        store.tasks.put(task.id, worktree=os.fsdecode(raw))
    assert os.fsencode(store.tasks.get(task.id).worktree or "") == raw


def test_the_text_of_a_task_is_kept_byte_for_byte(store: Store, add: Add) -> None:
    title = "\x1b]52;c;x\x07 %s {} '; drop table task; -- é 😀 \u202e \u200b \x9b"
    assert store.tasks.get(add("a", title=title, body=title * 10).id).title == title


def test_every_connection_is_durable_checked_and_in_wal_mode(store: Store) -> None:
    assert _sql(store, "PRAGMA journal_mode") == [("wal",)]
    assert _sql(store, "PRAGMA synchronous") == [(2,)]  # FULL
    assert _sql(store, "PRAGMA foreign_keys") == [(1,)]
    assert _sql(store, "PRAGMA journal_size_limit") == [(4_000_000,)]


def test_a_listing_is_served_by_indexes_alone(store: Store) -> None:
    # A store keeps all that ever was; what is listed at every command must not cost more with its age.
    plans = {
        "SELECT * FROM task WHERE state NOT IN ('COMPLETED','CANCELLED') ORDER BY priority, id": "task_unfinished",
        "SELECT * FROM event WHERE task = 7 AND seq > 0 ORDER BY seq DESC LIMIT 10": "event_task",
        "SELECT 1 FROM task WHERE name_key = 'a' AND state NOT IN ('COMPLETED','CANCELLED')": "task_name",
        "SELECT * FROM task WHERE branch = 'agent/7-a'": "task_branch",
        "SELECT * FROM attempt WHERE admin = '7-a'": "attempt_admin",
    }
    for query, index in plans.items():
        plan = " ".join(row[3] for row in _sql(store, f"EXPLAIN QUERY PLAN {query}"))
        assert index in plan, (query, plan)
