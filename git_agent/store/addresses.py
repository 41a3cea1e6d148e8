"""Addresses: which tasks can receive messages, and who may speak for them.

Every message asks this, so the queries are plain SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.domain.task import LIVE
from git_agent.store.sql import UNFINISHED

if TYPE_CHECKING:
    from git_agent.store.store import Store


class Addresses:
    """Which tasks can receive messages, and who may speak for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def is_current(self, task: int, attempt: int | None, epoch: int | None) -> bool:
        """Return whether a task exists with this attempt and epoch.

        attempt, epoch: None matches any.
        """
        found = self._store.messages.rows("SELECT attempt, epoch FROM task WHERE id = ?", task)
        return bool(found) and attempt in (None, found[0][0]) and epoch in (None, found[0][1])

    def is_unfinished(self, task: int) -> bool:
        """Return whether a task exists and is neither completed nor cancelled."""
        return bool(self._store.messages.rows(f"SELECT 1 FROM task WHERE id = ? AND {UNFINISHED}", task))

    def live(self) -> list[str]:
        """List the addresses of the workers of live tasks, oldest task first."""
        found = self._store.messages.rows(f"SELECT id, state FROM task WHERE {UNFINISHED} ORDER BY id")
        return [str(task) for task, state in found if state in LIVE]
