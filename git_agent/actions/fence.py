"""Turn away a worker that was superseded, and say by whom."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.speaker import superseded_error
from git_agent.domain.task import Task
from git_agent.store import events


def fence(app: App, task: Task) -> None:
    """Let nobody pass who carries an attempt or epoch of the task that is not the current one.

    Every verb that changes a task calls it before any other refusal. Raises AgentError (exit 5).
    """
    if not app.speaker.superseded(task):
        return
    # The first event of an epoch is the one that began it; later ones are the present worker's.
    began = events.superseding(task.id, task.epoch - 1)
    by = f"{began.kind.removeprefix('task.')} by {began.actor}" if began else f"it is {task.state}"
    raise superseded_error(task, by)
