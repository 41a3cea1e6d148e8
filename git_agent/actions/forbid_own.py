"""Keep a worker from reviewing its own task, and leave evidence that it tried."""

from __future__ import annotations

from git_agent.actions.fence import fence
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import refused
from git_agent.store import events


def forbid_own(app: App, task: Task, verb: str) -> None:
    """Refuse a reviewer's verb to the task's own worker (exit 3, with an event).

    Workers are compared by worktree and environment, never by git author: agents commit under their user's name.
    Raises AgentError: exit 5 first when the speaker is superseded.
    """
    speaker = app.speaker
    fence(app, task)
    if not speaker.works_on(task):
        return
    with app.store.transaction():
        events.append("task.refused", speaker.actor, task=task.id, epoch=task.epoch, data={"verb": verb})
    said = "request changes to" if verb == "request-changes" else verb
    raise refused(
        "own-task",
        f"cannot {said} {task.label}: you are its worker",
        "somebody else reviews it; a person does so from outside this worktree",
    )
