"""How undoing and what is kept are said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain.operation import Operation
from git_agent.render.lines import Screen
from git_agent.render.table import Column, table
from git_agent.render.text import age, rfc3339, visible

if TYPE_CHECKING:
    from git_agent.actions.list_undoable import Undoable

_OPERATIONS = (
    Column("N", right=True),
    Column("AGE", right=True),
    Column("WHAT"),
    Column("CAN BE UNDONE", stretch=True),
)


def operation(found: Undoable) -> dict[str, Any]:
    """Describe an operation of `undo --list`."""
    error = found.error
    return {
        "number": found.number,
        **undone(found.operation),
        "why": error.message if error else None,
        "hint": error.hint if error else None,
    }


def undone(done: Operation) -> dict[str, Any]:
    """Describe an operation."""
    return {"kind": done.kind, "what": done.what, "tasks": list(done.tasks), "at": rfc3339(done.at)}


def listing(found: Sequence[Undoable], screen: Screen) -> list[str]:
    """Lay out what can be undone."""
    if screen.width is not None and not found:
        return ["there is nothing to undo"]
    rows = [
        [
            str(u.number),
            age((screen.now - u.operation.at) / 1000),
            u.operation.what,
            "yes" if u.error is None else f"no: {u.error.message.removeprefix('cannot undo: ')}",
        ]
        for u in found
    ]
    return table(_OPERATIONS, rows, terminal_width=screen.width)


def lines(done: Operation, said: Sequence[str], dry_run: bool) -> list[str]:
    """Say what was undone, and what is there again."""
    return [f"{'would undo' if dry_run else 'undid'} the {visible(done.what)}", *(f"  {visible(s)}" for s in said)]
