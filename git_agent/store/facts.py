"""Facts about the store itself: small named values, such as the hash of a trusted configuration."""

from __future__ import annotations

from git_agent.store.schema import MetaRow, tuples


def get(key: str) -> str | None:
    """Read a fact."""
    return next((row[0] for row in tuples(MetaRow.select(MetaRow.value).where(MetaRow.key == key))), None)


def put(key: str, value: str) -> None:
    """Record a fact."""
    MetaRow.insert(key=key, value=value).on_conflict_replace().execute()
