"""What a task changed: its branch against the merge base."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.task import Task
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
