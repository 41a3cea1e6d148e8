"""Find what a task changed, and where its worktree is."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError


def diff(app: App, task: Task) -> tuple[str, str]:
    """Name the two commits to compare: the merge base with the base branch, and the tip.

    Raises AgentError (exit 1) when there is no branch, or nothing is left of it.
    """
    tip = app.repo.branch_oid(task.branch) if task.branch else None
    tip = tip or (app.repo.resolve(task.head_oid) if task.head_oid else None)
    if tip is None:
        raise AgentError("no-branch", f"{task.label} has no branch yet", f"git agent spawn {task.id}")
    base = app.repo.branch_oid(task.base)
    start = app.repo.merge_base(base, tip) if base else task.base_oid
    if start == tip and task.base_oid:
        start = task.base_oid  # merged: against where it began
    return start or tip, tip


def path(app: App, task: Task) -> str:
    """Name the worktree's absolute path. Raises AgentError (exit 1) for a task without one."""
    del app
    if task.worktree is not None and not os.path.isdir(task.worktree):
        raise AgentError("worktree-gone", f"{task.worktree} was deleted by hand", f"git agent show {task.id}")
    if task.worktree is None:
        hint = f"git agent spawn {task.id}" if task.state is State.OPEN else f"git agent show {task.id}"
        raise AgentError("no-worktree", f"{task.label} has no worktree", hint)
    return task.worktree
