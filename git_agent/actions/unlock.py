"""Give a task's worktrees free for plain git: their lock lasts while the task lives."""

from __future__ import annotations

import contextlib

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.git import worktrees
from git_agent.store import attempts


def unlock(app: App, task: Task) -> None:
    """Unlock the worktrees of a task that ended; one that is gone, or locked by somebody else, stays as it is."""
    ours = worktrees.LOCK_REASON.format(task=task.id)
    for attempt in attempts.present(task.id):
        if attempt.worktree is not None and worktrees.observe(app.repo, attempt.worktree).locked == ours:
            with contextlib.suppress(OSError):
                worktrees.unlock(app.repo, attempt.worktree)
