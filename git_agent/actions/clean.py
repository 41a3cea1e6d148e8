"""Remove worktrees and branches of everything COMPLETED or CANCELLED."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.new_operation import new_operation
from git_agent.actions.retire import Retired, retire
from git_agent.actions.under_way import under_way
from git_agent.app import App
from git_agent.domain.task import FINISHED, Task
from git_agent.store import tasks


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What went and what stayed, by task."""

    tasks: tuple[tuple[Task, Retired], ...]


def clean(app: App, *, older_than_s: float | None = None, dry_run: bool = False) -> Cleaned:
    """Remove what finished tasks left; what would lose work stays and is named.

    older_than_s: only of tasks finished so many seconds ago; dry_run: only look.
    """
    now = app.store.now()
    old = [t for t in tasks.with_remains(FINISHED) if older_than_s is None or now - t.state_at >= older_than_s * 1000]
    operation = new_operation()
    with under_way(app):
        done = [(t, retire(app, t, strict=False, dry_run=dry_run, operation=operation)) for t in old]
    return Cleaned(tuple((tasks.get(t.id), r) for t, r in done if r.worktrees or r.branches or r.kept))
