"""May this task be merged now? Pure: what was recorded against what git shows."""

from __future__ import annotations

from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, refused


def may_land(task: Task, tip: str | None, same_patch: bool) -> AgentError | None:
    """Say why a task must not be merged, or None when it may.

    tip: the branch's oid now, None when the branch is gone; same_patch: the tip is another commit than the reviewed
    one but makes the same change.
    """
    if task.state is not State.APPROVED:
        return refused("not-approved", f"cannot merge {task.label}: it is {task.state}", _next(task))
    if tip is None:
        return refused(
            "no-branch",
            f"cannot merge {task.label}: branch '{task.branch}' is gone",
            f"git agent show {task.id}",
        )
    if tip != task.reviewed_oid and not same_patch:
        return refused(
            "approval-stale",
            f"cannot merge {task.label}: the approval is for {(task.reviewed_oid or '')[:12]}, "
            f"but the branch is at {tip[:12]}",
            f"git agent diff {task.id}, then git agent approve {task.id}",
        )
    return None


def _next(task: Task) -> str:
    words = {
        State.OPEN: f"git agent spawn {task.id}",
        State.ASSIGNED: f"git agent done {task.id}, then git agent approve {task.id}",
        State.WORKING: f"git agent done {task.id}, then git agent approve {task.id}",
        State.IN_REVIEW: f"git agent approve {task.id}",
        State.FAILED: f"git agent retry {task.id}",
        State.CANCELLED: f"git agent reopen {task.id}",
    }
    return words.get(task.state, f"git agent show {task.id}")
