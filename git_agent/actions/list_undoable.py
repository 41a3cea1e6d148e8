"""List what can be undone, and what stands in the way of it."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.operations import operations
from git_agent.actions.undo_operation import undo_operation
from git_agent.app import App
from git_agent.domain.operation import Operation
from git_agent.errors import AgentError


@dataclass(frozen=True, slots=True)
class Undoable:
    """An operation. number: 1 for the newest; error: why it can't be undone now, None when it can."""

    number: int
    operation: Operation
    error: AgentError | None


def list_undoable(app: App, limit: int) -> list[Undoable]:
    """List the last operations, the newest first, limit at most; nothing is changed."""
    return [Undoable(n, each, _error(app, each)) for n, each in enumerate(operations(app, limit), 1)]


def _error(app: App, operation: Operation) -> AgentError | None:
    try:
        undo_operation(app, operation, dry_run=True)
    except AgentError as error:
        return error
    return None
