"""Send a task that can't be merged back to its worker, with what is to be mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_agent.actions.take import take
from git_agent.app import App
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task
from git_agent.store import locks


def send_back(
    app: App, task: Task, step: Step, *, body: str, reason: str, data: Mapping[str, Any], lock: int | None
) -> None:
    """Hold a task (WORKING) by a step of its merge, end its approval and tell its worker.

    step: conflict or check-failed; body: of the message; data: of the event; lock: the queue's fence, None outside of
    one. Raises AgentError when the task was changed meanwhile, or the queue's lock was lost.
    """
    told = Draft(str(task.id), body, task.id, urgent=True, needs_ack=True)
    with app.store.transaction():
        if lock is not None:
            locks.require(locks.QUEUE, lock)
        take(app, task, step, seen=task, drafts=(told,), data=data, reason=reason, reviewed_oid=None, reviewer=None)
