"""How git and the record of a task differ, where somebody moved, deleted or switched things by hand."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.git import worktrees
from git_agent.git.state import git_dir_of


def observe(app: App, task: Task) -> list[str]:
    """Say what is not as it was recorded, one line each, with the command that helps; nothing is made again."""
    lines = []
    if task.branch and task.live and app.repo.branch_oid(task.branch) is None:
        start = task.head_oid or task.base_oid
        says = f"branch '{task.branch}' is gone (deleted or renamed by hand)"
        lines.append(f"{says}: git branch {task.branch} {start} makes it again")
    if task.live and app.repo.branch_oid(task.base) is None:
        lines.append(f"the base '{task.base}' is gone: git agent edit {task.id} --base BRANCH")
    if task.worktree:
        lines += _of_worktree(app, task, task.worktree)
    return lines


def _of_worktree(app: App, task: Task, path: str) -> list[str]:
    seen = worktrees.observe(app.repo, path)
    if not seen.registered:
        says = f"worktree {path} is not one of this repository any more (moved or removed by hand)"
        return [f"{says}: git worktree repair, or git agent reassign {task.id}"]
    if not seen.exists:
        return [f"worktree {path} was deleted by hand: git agent reassign {task.id} makes another"]
    home = os.path.dirname(git_dir_of(path) or "")
    if home != os.path.join(app.repo.common_dir, "worktrees"):
        if os.path.isdir(home):
            return [f"worktree {path} belongs to the repository of {home}: this one is a copy"]
        return [f"worktree {path} does not find this repository, which was moved: git worktree repair"]
    if seen.branch != task.branch:
        busy = app.repo.in_progress(path)
        now = f"in a {busy}" if busy else f"on {seen.branch or 'a detached HEAD'}"
        helps = f"git -C {path} {busy} --continue, or --abort" if busy else f"git -C {path} switch {task.branch}"
        return [f"worktree {path} is {now}, not on '{task.branch}': {helps}"]
    return []
