"""Undo what the last commands did: removals, merges, cancellations."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.operations import operations
from git_agent.actions.sync import sync
from git_agent.actions.undo_operation import undo_operation
from git_agent.app import App
from git_agent.domain.operation import Operation
from git_agent.errors import AgentError, refused


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone, the newest first, each with a line for everything that is there again."""

    operations: tuple[tuple[Operation, tuple[str, ...]], ...]


def undo(app: App, number: int = 1, *, only: int | None = None, dry_run: bool = False) -> Undone:
    """Undo the last operations, one after the other, the newest first.

    number: how many; only: the number of a single one, 1 for the newest; dry_run: only look; those behind the first
    are not looked into, since they depend on it. Raises AgentError: exit 3 when there is nothing to undo, or it can't
    be undone any more, with the command that helps; what was undone before stays undone and is named.
    """
    sync(app)
    found = operations(app, only or number)
    chosen = found[only - 1 :] if only is not None else found
    if not chosen:
        raise refused("nothing-to-undo", "there is nothing to undo", "git agent undo --list")
    done: list[tuple[Operation, tuple[str, ...]]] = []
    for operation in chosen:
        try:
            lines = [] if dry_run and done else undo_operation(app, operation, dry_run=dry_run)
        except AgentError as error:
            error.details += tuple(f"undone: {before.what}" for before, _ in done)
            raise
        done.append((operation, tuple(lines)))
    return Undone(tuple(done))
