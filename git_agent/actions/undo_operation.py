"""Undo one operation, of one task or of several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby

from git_agent.actions.undo_fix import undo_fix
from git_agent.actions.undo_task import undo_task
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.operation import CANCELLED, FIXED, MERGED, REMOVED, Operation

# By the kind of an operation's first event: what takes it back, given the events of one task, the oldest first.
_WAYS: Mapping[str, Callable[..., list[str]]] = {
    REMOVED: undo_task,
    MERGED: undo_task,
    CANCELLED: undo_task,
    FIXED: undo_fix,
}


def undo_operation(app: App, operation: Operation, *, dry_run: bool) -> list[str]:
    """Undo an operation; return a line for each thing that is there again, or would be.

    All is looked at before anything is done, so that what was removed of many tasks is refused as a whole. dry_run:
    only look. Raises AgentError, mostly exit 3.
    """
    way = _WAYS[operation.kind]
    parts = [list(part) for _, part in groupby(sorted(operation.events, key=_task), key=_task)]
    looked = [line for part in parts for line in way(app, part, dry_run=True)]
    return looked if dry_run else [line for part in parts for line in way(app, part, dry_run=False)]


def _task(event: Event) -> int:
    return event.task or 0
