"""Facts about the store itself: small named values, such as the hash of a trusted configuration."""

from __future__ import annotations

from git_agent.store.schema import MetaRow


def get(key: str) -> str | None:
    """Read a fact."""
    return next((row[0] for row in MetaRow.select(MetaRow.value).where(MetaRow.key == key).tuples()), None)


def put(key: str, value: str) -> None:
    """Record a fact."""
    MetaRow.replace(key=key, value=value).execute()
