"""Call a task off: CANCELLED. Branch and worktree stay until rm or clean; the worker is told."""

from __future__ import annotations

from typing import Any

from git_agent.actions.hurry import hurry
from git_agent.actions.new_operation import new_operation
from git_agent.actions.take import Taken, take
from git_agent.actions.unlock import unlock
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task


def cancel(app: App, task: Task, reason: str | None = None, *, kill: bool = False) -> Taken:
    """Cancel a task; its worker is superseded, its dependents keep waiting.

    kill: also have the command that is supervised end at once. Raises AgentError as take does.
    """
    reason = None if reason is None else names.check_message(reason)
    text = f"task {task.id} was cancelled" + (f": {reason}" if reason else "")
    told = (Draft(str(task.id), text, task.id, urgent=True),) if task.live else ()
    said = ({"reason": reason} if reason else {}) | ({"kill": True} if kill else {}) | {"operation": new_operation()}

    def data(now: Task) -> dict[str, Any]:
        return said | {"hold": now.hold, "reason_before": now.reason}

    taken = take(app, task, Step.CANCEL, drafts=told, data=data, reason=reason)
    if kill:
        hurry(app, taken.task)
    if taken.moved:
        unlock(app, taken.task)
    return taken
