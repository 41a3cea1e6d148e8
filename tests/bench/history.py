"""Rows of the store that no worktree belongs to, written without the command line: what a long history leaves there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from git_agent.store.store import Store
from tests.bench.stage import Stage

_PAST = "COMPLETED"
_BODY = "What is to be done, in a few words."
_TEXT = "the parser takes empty lines now; please look at 3f9c2a1 before you go on with the printer"


def add_tasks(stage: Stage, repository: Path, count: int, state: str = _PAST) -> None:
    """Add tasks without branches. state: COMPLETED, or OPEN for tasks that can be claimed."""
    base = stage.run("git", "rev-parse", "main", cwd=repository)
    store = _opened(repository)
    first = 1 + (store.sql("SELECT MAX(id) FROM task")[0][0] or 0)
    _insert(store, "task", (_task(at, state, base, None, None) for at in range(first, first + count)))
    store.close()


def add_branches(stage: Stage, repository: Path, count: int) -> None:
    """Add tasks that are worked on, with branches but without worktrees, for what looks at branches alone."""
    names = [f"agent/{at}-task-{at}" for at in range(1, count + 1)]
    tips, base = stage.branches(repository, names), stage.run("git", "rev-parse", "main", cwd=repository)
    store, now = _opened(repository), int(time.time() * 1000)
    branches = list(enumerate(zip(names, tips, strict=True), 1))
    _insert(store, "task", (_task(at, "WORKING", base, name, tip) for at, (name, tip) in branches))
    leases = ({"task": at, "kind": "hand", "beat_at": now, "progress_at": now} for at, _ in branches)
    _insert(store, "lease", leases)
    store.close()


def add_events(repository: Path, count: int) -> None:
    """Add events, in turns about each task that there is."""
    store, now = _opened(repository), int(time.time() * 1000)
    tasks = [key for (key,) in store.sql("SELECT id FROM task")]
    _insert(
        store,
        "event",
        (
            {"at": now, "kind": "task.beat", "task": tasks[at % len(tasks)], "actor": "Ada Lovelace", "data": "{}"}
            for at in range(count)
        ),
    )
    store.close()


def add_messages(repository: Path, count: int) -> None:
    """Add messages from one worker to the others that nobody has acknowledged."""
    store, now = _opened(repository), int(time.time() * 1000)
    workers = [key for (key,) in store.sql("SELECT id FROM task WHERE branch IS NOT NULL")]
    first = 1 + (store.sql("SELECT MAX(id) FROM message")[0][0] or 0)
    fixed = {"sender": str(workers[0]), "urgent": 0, "needs_ack": 1, "body": _TEXT, "verified": 1, "sent_at": now}
    numbers = range(first, first + count)
    _insert(store, "message", ({"id": at, "task": None, **fixed} for at in numbers))
    others = workers[1:]
    sent = ({"message": at, "recipient": str(others[at % len(others)]), "state": "seen"} for at in numbers)
    _insert(store, "delivery", sent)
    store.close()


def _opened(repository: Path) -> Store:
    return Store.open(str(repository / ".git" / "git-agent"), create=False)


def _insert(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows that all have the same columns, in one transaction."""
    rows = iter(rows)
    first = next(rows)
    words = f"INSERT INTO {table} ({', '.join(first)}) VALUES ({', '.join('?' * len(first))})"
    with store.transaction():
        connection = store._database.connection()
        connection.execute(words, tuple(first.values()))
        connection.executemany(words, (tuple(row.values()) for row in rows))


def _task(at: int, state: str, base: str, branch: str | None, tip: str | None) -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {
        "id": at,
        "name": f"task-{at}",
        "name_key": f"task-{at}",
        "title": f"Task number {at} of the benchmark",
        "body": _BODY,
        "state": state,
        "priority": at % 5,
        "base": "main",
        "base_oid": base,
        "branch": branch,
        "head_oid": tip,
        "base_seen": base,
        "attempt": 0 if branch is None and state == "OPEN" else 1,
        "epoch": 1,
        "version": 1,
        "unresolved": 0,
        "worked": int(branch is not None),
        "created_at": now,
        "state_at": now,
    }
