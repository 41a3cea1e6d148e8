"""Send a task whose merged result fails its check back to its worker."""

from __future__ import annotations

from collections.abc import Sequence

from git_agent.actions.run_check import CheckRun
from git_agent.actions.send_back import send_back
from git_agent.app import App
from git_agent.domain.queueing import together
from git_agent.domain.task import Step, Task


def hold_check(app: App, task: Task, failed: CheckRun, under: Sequence[int] = (), lock: int | None = None) -> str:
    """Hold a task (WORKING, check_failed) and tell its worker the last lines; return why, in words.

    under: the tasks that it was merged on top of, with which alone the check passes; lock: the queue's fence, None
    outside of one. Raises AgentError when the task was changed meanwhile, or the queue's lock was lost.
    """
    why = failed.why + (f" (on top of {together(under)})" if under else "")
    alone = (f"without {task.label} the check passes",) if under else ()
    more = (f"all that it printed: git agent logs {task.id} --check",) if failed.log else ()
    body = "\n".join([why, *alone, *failed.tail, *more])
    data = {"command": failed.command, "status": failed.status, "together": list(under), "log": failed.log}
    send_back(app, task, Step.CHECK_FAILED, body=body, reason=why, data=data, lock=lock)
    return why
