"""List what can be undone, and what stands in the way of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_agent.actions.operations import operations
from git_agent.actions.undo_operation import undo_operation
from git_agent.app import App
from git_agent.domain.assumed import Assumed
from git_agent.domain.operation import Operation
from git_agent.errors import AgentError


@dataclass(frozen=True, slots=True)
class Undoable:
    """An operation. number: 1 for the newest; error: why it can't be undone, None when it can; after: the number of the
    one that has to be undone before it, None when it can be undone now.
    """

    number: int
    operation: Operation
    error: AgentError | None
    after: int | None = None


def list_undoable(app: App, limit: int) -> list[Undoable]:
    """List the last operations, the newest first, limit at most; nothing is changed."""
    found, assumed = list[Undoable](), Assumed()
    for number, each in enumerate(operations(app, limit), 1):
        error = _error(app, each, Assumed())
        after = _nearest(each, found) if error and _error(app, each, assumed) is None else None
        found.append(Undoable(number, each, None if after else error, after))
        if found[-1].error is None:
            assumed = assumed.then(each)
    return found


def _error(app: App, operation: Operation, assumed: Assumed) -> AgentError | None:
    try:
        undo_operation(app, operation, dry_run=True, assumed=assumed)
    except AgentError as error:
        return error
    return None


def _nearest(operation: Operation, newer: Sequence[Undoable]) -> int:
    """That of the newer ones which touched the same task or base, the last that `undo` would come by."""
    able = [each for each in newer if each.error is None]
    near = [each.number for each in able if each.operation.touched & operation.touched]
    return near[-1] if near else able[-1].number
