"""Undo one operation, of one task or of several."""

from __future__ import annotations

from itertools import groupby

from git_agent.actions.undo_fixes import undo_fixes
from git_agent.actions.undo_task import undo_task
from git_agent.app import App
from git_agent.domain.assumed import Assumed
from git_agent.domain.event import Event
from git_agent.domain.operation import FIXED, Operation


def undo_operation(app: App, operation: Operation, *, dry_run: bool, assumed: Assumed | None = None) -> list[str]:
    """Undo an operation; return a line for each thing that is there again, or would be.

    All is looked at before anything is done, so that what was removed of many tasks is refused as a whole. dry_run:
    only look; assumed: what would be undone before it. Raises AgentError, mostly exit 3.
    """
    if operation.kind == FIXED:
        return undo_fixes(app, operation.events, dry_run=dry_run)
    parts = [list(part) for _, part in groupby(sorted(operation.events, key=_task), key=_task)]
    if dry_run or len(parts) > 1:
        looked = [line for part in parts for line in undo_task(app, part, dry_run=True, assumed=assumed)]
    return looked if dry_run else [line for part in parts for line in undo_task(app, part)]


def _task(event: Event) -> int:
    return event.task or 0
