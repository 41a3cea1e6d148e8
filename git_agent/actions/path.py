"""Where a task's worktree is."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError


def path(app: App, task: Task) -> str:
    """Name the worktree's absolute path. Raises AgentError (exit 1) for a task without one."""
    del app
    if task.worktree is not None and not os.path.isdir(task.worktree):
        raise AgentError("worktree-gone", f"{task.worktree} was deleted by hand", f"git agent show {task.id}")
    if task.worktree is None:
        hint = f"git agent spawn {task.id}" if task.state is State.OPEN else f"git agent show {task.id}"
        raise AgentError("no-worktree", f"{task.label} has no worktree", hint)
    return task.worktree
