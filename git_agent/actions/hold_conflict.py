"""Send a task that conflicts with its base back to its worker."""

from __future__ import annotations

from git_agent.actions.send_back import send_back
from git_agent.app import App
from git_agent.domain.task import Step, Task
from git_agent.git.merges import Conflict


def hold_conflict(app: App, task: Task, found: Conflict, lock: int | None = None) -> None:
    """Hold a task (WORKING, conflict) and tell its worker the paths. lock: the queue's fence, None outside of one.

    Raises AgentError when the task was changed meanwhile, or the queue's lock was lost.
    """
    body = f"{task.label} conflicts with '{task.base}' in:\n" + "\n".join(found.paths)
    reason = f"conflicts with {task.base}: " + ", ".join(found.paths[:5])
    send_back(app, task, Step.CONFLICT, body=body, reason=reason, data={"paths": list(found.paths)}, lock=lock)
