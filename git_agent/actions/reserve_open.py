"""Reserve a given OPEN task for this command, if it may be worked on now."""

from __future__ import annotations

from git_agent.actions.begin import begin
from git_agent.actions.contended import contended
from git_agent.actions.fence import fence
from git_agent.actions.unready import unready
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.proc import processes
from git_agent.store import tasks


def reserve_open(app: App, task: Task) -> tuple[Task, int]:
    """Write the intent to make a task's worktree; return the task as it is now, and the intent.

    Raises AgentError: exit 5 for a superseded speaker, exit 3 for a task that is not OPEN, waits, or claims what a live
    one does (agent.pathClaims), exit 6 when such a claim came at the same moment.
    """
    fence(app, task)
    owner, claims = processes.myself(), contended(app, [task])
    _ = app.config
    with app.store.transaction():
        now = tasks.get(task.id)
        if (error := unready(app, now) or claims.error(now)) is not None:
            raise error
        if not claims.allows(now):
            says = "another task claimed paths like these at the same moment"
            raise AgentError("claimed-meanwhile", says, "try again", exit=Exit.BUSY)
        intent = begin(app, "spawn", task.id, owner, {"new": False})
    app.notices.extend(claims.notes.get(task.id, ()))
    return now, intent
