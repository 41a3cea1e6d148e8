"""Remove the worktree and branch of a task, or of all finished tasks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import NamedTuple

from git_agent.actions.recovery.journal import new_operation, rollback_on_error
from git_agent.actions.removal.retire import Retired, retire
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.task import FINISHED, Task
from git_agent.errors import refused
from git_agent.proc import logfile


def rm(app: App, task: Task, *, force: bool = False, unmerged: bool = False, dry_run: bool = False) -> Retired:
    """Remove a task's worktrees and branches; the task itself stays in the history.

    force: also remove uncommitted and untracked files
    unmerged: also remove commits that are not in the base
    dry_run: only report
    Whatever the flags remove is kept under the rescue refs.
    Raises AgentError (exit 3) for a live task, and otherwise with the list of what would be lost.
    """
    require_current(app, task)
    task = app.store.tasks.get(task.id)
    if task.live:
        raise refused("live", f"cannot remove {task.label}: it is {task.state}", f"git agent cancel {task.id}")
    with rollback_on_error(app):
        return retire(
            app, task, force=force, unmerged=unmerged, dry_run=dry_run, operation=app.operation or new_operation()
        )


class Cleaned(NamedTuple):
    """What was removed and what stayed, by task. logs: the deleted logs with their sizes in bytes."""

    tasks: tuple[tuple[Task, Retired], ...]
    logs: Mapping[str, int]


def clean(app: App, *, older_than_s: float | None = None, logs: bool = False, dry_run: bool = False) -> Cleaned:
    """Remove the worktrees and branches of finished tasks; those whose removal would lose work stay and are listed.

    older_than_s: the minimum age, in seconds since the task finished
    logs: also delete what the commands and checks of these tasks printed
    dry_run: only report
    """
    now = app.store.now()
    least = 0 if older_than_s is None else older_than_s * 1000
    old = [t for t in app.store.tasks.with_remains(FINISHED) if now - t.state_at >= least]
    operation = new_operation()
    with rollback_on_error(app):
        done = [(t, retire(app, t, strict=False, dry_run=dry_run, operation=operation)) for t in old]
    printed = _logs(app, now - least) if logs else {}
    for path in () if dry_run else printed:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    said = ((app.store.tasks.get(t.id), r) for t, r in done if r.worktrees or r.branches or r.kept)
    return Cleaned(tuple(said), printed)


def _logs(app: App, before: float) -> dict[str, int]:
    """Map the logs of tasks that were finished before a time, in ms since the epoch, to their sizes in bytes."""
    finished = {task.id for task in app.store.tasks.listing(FINISHED) if task.state_at <= before}
    return logfile.logs_of(os.path.join(app.store_dir, "logs"), finished)


def finished_logs_size(app: App) -> int:
    """Return how many bytes the logs of finished tasks take."""
    return sum(_logs(app, app.store.now()).values())
