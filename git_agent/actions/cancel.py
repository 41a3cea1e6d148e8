"""Call a task off: CANCELLED. Branch and worktree stay until rm or clean; the worker is told."""

from __future__ import annotations

from git_agent.actions.take import Taken, take
from git_agent.actions.unlock import unlock
from git_agent.app import App
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task
from git_agent.proc import processes
from git_agent.store import leases


def cancel(app: App, task: Task, reason: str | None = None, *, kill: bool = False) -> Taken:
    """Cancel a task; its worker is superseded, its dependents keep waiting.

    kill: also ask the process that holds its lease to end. Raises AgentError as take does.
    """
    owner = leases.owner(task.id) if kill else None
    text = f"task {task.id} was cancelled" + (f": {reason}" if reason else "")
    told = (Draft(str(task.id), text, task.id, urgent=True),) if task.live else ()
    taken = take(app, task, Step.CANCEL, drafts=told, data={"reason": reason} if reason else None, reason=reason)
    if owner is not None:
        processes.terminate(owner)
    if taken.moved:
        unlock(app, taken.task)
    return taken
