"""Facts about the store itself: small named values, such as the hash of a trusted configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.store.schema import MetaRow

if TYPE_CHECKING:
    from git_agent.store.store import Store

SCANNED = "scanned:"
"""Prefix of the facts that say up to which commit a base was searched for reverts."""

KEPT = "kept:"
"""Prefix of the facts that say which number the last directory of a task's kept ignored files had."""

UNSAID = "unsaid"
"""The fact that holds what was noticed in the background and was not said to anybody yet."""

NOTIFIED = "notified"
"""The fact that says which events `agent.notify` was run for: the first and the last one, as `7-12`."""


class Meta:
    """Small named values about the store itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key: str) -> str | None:
        """Read a fact."""
        return next(
            (row[0] for row in self._store.tuples(MetaRow.select(MetaRow.value).where(MetaRow.key == key))), None
        )

    def put(self, key: str, value: str) -> None:
        """Record a fact."""
        new = MetaRow.insert(key=key, value=value)
        self._store.run(new.on_conflict(conflict_target=[MetaRow.key], update={"value": value}))

    def under(self, prefix: str) -> dict[str, str]:
        """Read the facts whose names start with a prefix, by the rest of their names."""
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        rows = self._store.tuples(
            MetaRow.select(MetaRow.key, MetaRow.value).where((MetaRow.key >= prefix) & (MetaRow.key < end))
        )
        return {key[len(prefix) :]: value for key, value in rows}

    def delete(self, key: str) -> None:
        """Forget a fact."""
        self._store.run(MetaRow.delete().where(MetaRow.key == key))
