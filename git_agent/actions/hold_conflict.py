"""Send a task that conflicts with its base back to its worker."""

from __future__ import annotations

from git_agent.actions.take import take
from git_agent.app import App
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task
from git_agent.git.merges import Conflict
from git_agent.store import locks


def hold_conflict(app: App, task: Task, found: Conflict, lock: int | None = None) -> None:
    """Hold a task (WORKING, conflict) and tell its worker the paths. lock: the queue's fence, None outside of one.

    Raises AgentError when the task was changed meanwhile, or the queue's lock was lost.
    """
    body = f"{task.label} conflicts with '{task.base}' in:\n" + "\n".join(found.paths)
    told = Draft(str(task.id), body, task.id, urgent=True, needs_ack=True)
    with app.store.transaction():
        if lock is not None:
            locks.require(locks.QUEUE, lock)
        take(
            app,
            task,
            Step.CONFLICT,
            seen=task,
            drafts=(told,),
            data={"paths": list(found.paths)},
            reviewed_oid=None,
            reviewer=None,
            reason=f"conflicts with {task.base}: " + ", ".join(found.paths[:5]),
        )
