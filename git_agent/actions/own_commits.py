"""The commits of a task: what its branch has and its base lacks, or what it brought when it was merged."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.git.history import Commit


def own_commits(app: App, task: Task, limit: int) -> list[Commit]:
    """List a task's commits, newest first, limit at most; those of the base that it took in are not its own."""
    tip = app.repo.branch_oid(task.branch) if task.branch else None
    tip = tip or (app.repo.resolve(task.head_oid) if task.head_oid else None)
    base = app.repo.branch_oid(task.base)
    start = task.base_oid if task.state is State.COMPLETED else base or task.base_oid
    return app.repo.commits(start, tip, limit=limit) if tip and start else []
