"""A store of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from git_agent.domain.task import State, Task
from git_agent.store.store import Store

Add = Callable[..., Task]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return where the store will be; nothing is there yet."""
    return tmp_path / "git-agent"


@pytest.fixture
def store(directory: Path) -> Iterator[Store]:
    """Return an open, empty store."""
    opened = Store.open(str(directory), create=True)
    yield opened
    opened.close()


@pytest.fixture
def add(store: Store) -> Add:
    """Return a function that adds a task by name, in any state that a row can have."""

    def added(name: str, state: State = State.OPEN, **columns: Any) -> Task:
        values: dict[str, Any] = {"name": name, "name_key": name, "title": name, "priority": 2, "base": "main"}
        if state.name in ("ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED"):
            values |= {"branch": f"agent/{name}", "attempt": 1, "epoch": 1, "reviewed_oid": "a" * 40}
        with store.transaction():
            return store.tasks.insert({**values, **columns}, state)

    return added
