"""Get hold of the task that a supervisor is to work on: assigned, with a worktree, and nobody else's."""

from __future__ import annotations

import os

from git_agent.actions.claim import claim
from git_agent.actions.fence import fence
from git_agent.actions.reassign import reassign
from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.errors import refused


def obtain(app: App, task: Task | None, *, agent: str | None = None, fresh: bool = False) -> Task:
    """Claim the next task of the queue, or the given one where it is OPEN; one that is assigned is as it is.

    agent: the name of who will work; fresh: with a new attempt that starts from the base. Raises AgentError: exit 6
    for an empty queue, exit 3 for a task in no state to be worked on, exit 5 for a superseded
    speaker.
    """
    if task is not None:
        fence(app, task)
        _refuse(task)
    if task is None or task.state is State.OPEN:
        return claim(app, task, agent=agent, fresh=fresh)
    if fresh:
        return reassign(app, task, agent=agent, fresh=True)
    if task.worktree is None or not os.path.isdir(task.worktree):
        says = f"the worktree of {task.label} is gone: {task.worktree}"
        raise refused("no-worktree", says, f"git agent reassign {task.id} makes another")
    return task


def _refuse(task: Task) -> None:
    hints = {
        State.IN_REVIEW: f"git agent request-changes {task.id} -m TEXT, or take it back: git agent start {task.id}",
        State.APPROVED: f"git agent merge {task.id}",
        State.FAILED: f"git agent retry {task.id}, then git agent run {task.id}",
        State.COMPLETED: f"git agent reopen {task.id}",
        State.CANCELLED: f"git agent reopen {task.id}",
    }
    if task.state in hints:
        raise refused("wrong-state", f"cannot run {task.label}: it is {task.state}", hints[task.state])
