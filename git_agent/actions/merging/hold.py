"""Send a task back to its worker when its merge conflicts or its check fails."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from git_agent.actions.merging.check import CheckRun
from git_agent.actions.transition import transition
from git_agent.app import App
from git_agent.domain.message import Draft
from git_agent.domain.queue import name_tasks
from git_agent.domain.speaker import GIT
from git_agent.domain.task import Step, Task
from git_agent.git.merging.rebase import Conflict
from git_agent.git.spool import quoted

_LINE, _MOST = 300, 50  # characters of a line of output, and paths, that a message shows
_PLAIN = r"[\w./+@=-]{1,120}"  # a path that can't be read as a sentence


def send_back(
    app: App, task: Task, step: Step, *, body: str, reason: str, data: Mapping[str, Any], fences: Mapping[str, int]
) -> None:
    """Hold a task (WORKING) by a step of its merge, end its approval and notify its worker.

    step: conflict or check-failed
    body: the text of the message
    reason: the reason for the hold
    data: the event's data
    fences: the fences of the locks held, by name
    Raises AgentError when the task has changed in the meantime or a lock was lost.
    """
    # The paths and the output are whatever branches hold: not said by the person who typed `merge`.
    told = Draft(str(task.id), body, task.id, urgent=True, needs_ack=True)
    with app.store.transaction():
        for name, fence in fences.items():
            app.store.locks.require(name, fence)
        transition(app, task, step, seen=task, data=data, reason=reason, reviewed_oid=None, reviewer=None)
        app.store.messages.send([told], GIT, verified=False)


def hold_check(app: App, task: Task, failed: CheckRun, under: Sequence[int], fences: Mapping[str, int]) -> str:
    """Hold a task (WORKING, check_failed) and send its worker the last lines of output; return the reason in words.

    failed: the check
    under: the tasks that it was merged on top of, when the check passes with those alone
    fences: the fences of the locks held, by name
    Raises AgentError when the task has changed in the meantime or a lock was lost.
    """
    why = failed.why + (f" (on top of {name_tasks(under)})" if under else "")
    alone = (f"without {task.label} the check passes",) if under else ()
    more = (f"its whole output: git agent logs {task.id} --check",) if failed.log else ()
    output = (f"| {line if len(line) <= _LINE else line[:_LINE] + '…'}" for line in failed.tail)
    body = "\n".join([why, *alone, *output, *more])
    data = {"command": failed.command, "status": failed.status, "together": list(under), "log": failed.log}
    send_back(app, task, Step.CHECK_FAILED, body=body, reason=why, data=data, fences=fences)
    return why


def hold_conflict(app: App, task: Task, found: Conflict, fences: Mapping[str, int]) -> None:
    """Hold a task (WORKING, conflict) and send its worker the paths.

    found: the conflict
    fences: the fences of the locks held, by name
    Raises AgentError when the task has changed in the meantime or a lock was lost.
    """
    paths = [path if re.fullmatch(_PLAIN, path) else quoted(path) for path in found.paths[:_MOST]]
    more = [f"and {len(found.paths) - _MOST} more: git agent conflicts"] if len(found.paths) > _MOST else []
    body = "\n".join([f"{task.label} conflicts with '{task.base}' in:", *paths, *more])
    reason = f"conflicts with {task.base}: " + ", ".join(paths[:5])
    send_back(app, task, Step.CONFLICT, body=body, reason=reason, data={"paths": list(found.paths)}, fences=fences)
