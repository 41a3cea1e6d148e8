"""May this task be merged now? Pure: what was recorded against what git shows."""

from __future__ import annotations

from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, refused


def may_land(task: Task, tip: str | None, lapsed: str | None) -> AgentError | None:
    """Say why a task must not be merged, or None when it may.

    tip: the branch's oid now, None when the branch is gone; lapsed: the oid of an approval that ended when the branch
    moved on.
    """
    approved = task.state is State.APPROVED
    # A branch that is back where the ended approval was is not approved again: the state says who must act.
    if not approved and (tip is None or lapsed in (None, tip)):
        return refused("not-approved", f"cannot merge {task.label}: it is {task.state}", _next(task))
    if tip is None:
        return refused(
            "no-branch", f"cannot merge {task.label}: branch '{task.branch}' is gone", f"git agent show {task.id}"
        )
    reviewed = (task.reviewed_oid if approved else lapsed) or ""
    if tip != reviewed:
        return refused(
            "approval-stale",
            f"cannot merge {task.label}: the approval is for {reviewed[:12]}, but the branch is at {tip[:12]}",
            f"git agent diff {task.id}, then git agent approve {task.id}",
        )
    return None


def base_gone(task: Task) -> AgentError:
    """Say that a task has nothing to be merged into."""
    return AgentError("unknown-base", f"the base '{task.base}' is gone", f"git agent edit {task.id} --base BRANCH")


def after_conflict(task: Task) -> str:
    """Tell the worker of a task that conflicts with its base what to do."""
    return f"in {task.worktree}: git rebase {task.base} (or merge it), then git agent done"


def after_check(task: Task) -> str:
    """Tell the worker of a task whose merged result fails its check what to do."""
    return f"mend it in {task.worktree}, then git agent done"


def _next(task: Task) -> str:
    words = {
        State.OPEN: f"git agent spawn {task.id}",
        State.ASSIGNED: f"git agent start {task.id}, then git agent done {task.id}",
        State.WORKING: f"git agent done {task.id}, then git agent approve {task.id}",
        State.IN_REVIEW: f"git agent approve {task.id}",
        State.FAILED: f"git agent retry {task.id}",
        State.CANCELLED: f"git agent reopen {task.id}",
    }
    return words.get(task.state, f"git agent show {task.id}")
