"""Record a merge that git can't prove: `merge TASK --already`."""

from __future__ import annotations

from git_agent.actions.transition import Transition, transition
from git_agent.actions.worktrees import unlock_worktrees
from git_agent.app import App
from git_agent.domain.task import Step, Task
from git_agent.errors import AgentError, refused


def record_merge(app: App, task: Task, oid: str | None) -> Transition:
    """Mark a task COMPLETED since its work is in the base already.

    oid: the commit that holds it, the base's tip without it. Raises AgentError: exit 1 for an unknown commit, exit 3
    for one that is not in the base.
    """
    tip = app.repo.branch_oid(task.base)
    found = app.repo.resolve(oid) if oid else tip
    if found is None or tip is None:
        raise AgentError("unknown-commit", f"there is no commit '{oid or task.base}'", f"git log {task.base}")
    if not app.repo.is_ancestor(found, tip):
        raise refused("not-in-base", f"{found[:12]} is not in '{task.base}'", f"git branch --contains {found[:12]}")
    head = app.repo.branch_oid(task.branch) if task.branch else None
    data = {"oid": found, "by": None, "said": True, "tip": head}
    taken = transition(
        app, task, Step.MERGED, data=data, merged_oid=found, merged_by=None, head_oid=head or task.head_oid
    )
    unlock_worktrees(app, taken.task)
    return taken
