"""Render undo and rescues."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from git_agent.domain.undo import Operation
from git_agent.render.style import Screen
from git_agent.render.table import Column, table
from git_agent.render.text import age, rfc3339, visible

if TYPE_CHECKING:
    from git_agent.actions.undo.rescue import KeptDirectory, PrunedRescues
    from git_agent.actions.undo.undo import Undoable
    from git_agent.domain.rescue import Rescue

_OPERATIONS = (
    Column("N", right=True),
    Column("AGE", right=True),
    Column("WHAT", stretch=True),
    Column("CAN BE UNDONE"),
)
_LEAD = r"cannot undo(?: the (?:merge|cancellation) of task \d+)?: "
_INDENT = 4 * " "


def operation_json(found: Undoable) -> dict[str, Any]:
    """Return an operation of `undo --list` as JSON values."""
    error = found.error
    return {
        "number": found.number,
        **undone_json(found.operation),
        "after": found.after,
        "why": error.message if error else None,
        "hint": error.hint if error else None,
    }


def undone_json(done: Operation) -> dict[str, Any]:
    """Return an operation as JSON values."""
    return {"kind": done.kind, "what": done.what, "tasks": list(done.tasks), "at": rfc3339(done.at)}


def operation_table(found: Sequence[Undoable], screen: Screen) -> list[str]:
    """Format the operations that can be undone as a table."""
    if screen.width is not None and not found:
        return ["there is nothing to undo"]
    why = ["" if u.error is None else re.sub(_LEAD, "", u.error.message, count=1) for u in found]
    rows = [
        [str(u.number), age((screen.now - u.operation.at) / 1000), u.operation.what, _can(u, why[at], screen)]
        for at, u in enumerate(found)
    ]
    lines = table(_OPERATIONS, rows, terminal_width=screen.width)
    if screen.width is None:
        return lines
    below = [_wrapped(each, screen.width) for each in why]
    return [lines[0], *(line for at, row in enumerate(lines[1:]) for line in (row, *below[at]))]


def _can(found: Undoable, why: str, screen: Screen) -> str:
    if found.error is not None:
        return f"no: {why}" if screen.width is None else "no"
    return "yes" if found.after is None else f"yes, after {found.after}"


def _wrapped(text: str, width: int) -> list[str]:
    """A reason is too long for a column, so it gets its own lines below the row."""
    return textwrap.wrap(visible(text), max(width, 20), initial_indent=_INDENT, subsequent_indent=_INDENT)


def undo_lines(done: Operation, said: Sequence[str], dry_run: bool) -> list[str]:
    """Return lines that say what was undone and restored."""
    does = "would undo" if dry_run else "left" if said and all(s.startswith("left ") for s in said) else "undid"
    return [f"{does} the {visible(done.what)}", *(f"  {visible(s)}" for s in said)]


_RESCUES = (
    Column("REF"),
    Column("AGE", right=True),
    Column("WHAT", spare=1),
    Column("SIZE", right=True),
    Column("SUBJECT", stretch=True),
)


def rescue_json(kept: Rescue) -> dict[str, Any]:
    """Return a rescue as JSON values."""
    at = None if kept.at is None else rfc3339(kept.at)
    named = {"ref": kept.name, "task": kept.task, "n": kept.number, "oid": kept.oid, "kind": kept.kind}
    return {**named, "at": at, "subject": kept.subject, "size": kept.size, "merged": kept.inside}


def ignored_json(kept: KeptDirectory) -> dict[str, Any]:
    """Return a directory of kept ignored files as JSON values."""
    return {"directory": kept.path, "task": kept.task, "n": kept.number, "at": rfc3339(kept.at), "size": kept.size}


def rescue_table(found: Sequence[Rescue], files: Sequence[KeptDirectory], screen: Screen) -> list[str]:
    """Format what was kept as a table: refs, then directories."""
    if screen.width is not None and not (found or files):
        return ["nothing was removed, so nothing is kept"]
    rows = [[r.name, _age(r.at, screen), r.kind, _size(r), r.subject] for r in found]
    rows += [["-", _age(d.at, screen), "ignored files", _count(d.size, "file"), d.path] for d in files]
    return table(_RESCUES, rows, terminal_width=screen.width)


def _age(at: int | None, screen: Screen) -> str:
    return age(None if at is None else (screen.now - at) / 1000)


def _size(kept: Rescue) -> str:
    if kept.inside:
        return "merged"
    return _count(kept.size, "file" if kept.kind == "uncommitted files" else "commit")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def pruned_lines(found: PrunedRescues, dry_run: bool) -> list[str]:
    """Return lines that say what was deleted, and of what no other copy exists."""
    word = "would delete" if dry_run else "deleted"
    lines = [f"{word} {r.name} {r.kind}: {visible(r.subject)}{' (merged)' if r.inside else ''}" for r in found.rescues]
    lines += [f"{word} {visible(directory)}" for directory in found.directories]
    if found.lost:
        lines.append(f"no other copy exists of: {', '.join(r.name for r in found.lost)}")
    if found.unknown:
        names = ", ".join(r.name for r in found.unknown)
        lines.append(f"left because their age is unknown: {names}; git update-ref -d deletes a ref")
    return lines or ["nothing is that old"]
