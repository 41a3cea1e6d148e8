"""Send a task back to its worker when its merge conflicts or its check fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from git_agent.actions.merging.check import CheckRun
from git_agent.actions.transition import transition
from git_agent.app import App
from git_agent.domain.message import Draft
from git_agent.domain.queue import name_tasks
from git_agent.domain.task import Step, Task
from git_agent.git.merging.rebase import Conflict
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
            app.store.locks.require(locks.QUEUE, lock)
        transition(
            app, task, step, seen=task, drafts=(told,), data=data, reason=reason, reviewed_oid=None, reviewer=None
        )


def hold_check(app: App, task: Task, failed: CheckRun, under: Sequence[int] = (), lock: int | None = None) -> str:
    """Hold a task (WORKING, check_failed) and tell its worker the last lines; return why, in words.

    under: the tasks that it was merged on top of, with which alone the check passes; lock: the queue's fence, None
    outside of one. Raises AgentError when the task was changed meanwhile, or the queue's lock was lost.
    """
    why = failed.why + (f" (on top of {name_tasks(under)})" if under else "")
    alone = (f"without {task.label} the check passes",) if under else ()
    more = (f"all that it printed: git agent logs {task.id} --check",) if failed.log else ()
    body = "\n".join([why, *alone, *failed.tail, *more])
    data = {"command": failed.command, "status": failed.status, "together": list(under), "log": failed.log}
    send_back(app, task, Step.CHECK_FAILED, body=body, reason=why, data=data, lock=lock)
    return why


def hold_conflict(app: App, task: Task, found: Conflict, lock: int | None = None) -> None:
    """Hold a task (WORKING, conflict) and tell its worker the paths. lock: the queue's fence, None outside of one.

    Raises AgentError when the task was changed meanwhile, or the queue's lock was lost.
    """
    body = f"{task.label} conflicts with '{task.base}' in:\n" + "\n".join(found.paths)
    reason = f"conflicts with {task.base}: " + ", ".join(found.paths[:5])
    send_back(app, task, Step.CONFLICT, body=body, reason=reason, data={"paths": list(found.paths)}, lock=lock)
