"""Remove the worktree and branch of a task that nobody works on."""

from __future__ import annotations

from git_agent.actions.fence import fence
from git_agent.actions.retire import Retired, retire
from git_agent.actions.under_way import under_way
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import refused
from git_agent.store import tasks


def rm(app: App, task: Task, *, force: bool = False, unmerged: bool = False, dry_run: bool = False) -> Retired:
    """Remove a task's worktrees and branches; the task itself stays in the history.

    force: also uncommitted and untracked files; unmerged: also commits that are not in the base; both are kept under
    the rescue refs. Raises AgentError (exit 3): for a live task always, else with the list of what would be lost.
    """
    fence(app, task)
    task = tasks.get(task.id)
    if task.live:
        raise refused("live", f"cannot remove {task.label}: it is {task.state}", f"git agent cancel {task.id}")
    with under_way(app):
        return retire(app, task, force=force, unmerged=unmerged, dry_run=dry_run)
