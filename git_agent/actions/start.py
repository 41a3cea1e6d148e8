"""Begin or resume work: WORKING."""

from __future__ import annotations

from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain.task import Step, Task
from git_agent.store import leases


def start(app: App, task: Task) -> Taken:
    """Start a task, end its hold, or take it back from review. Raises AgentError as take does."""
    taken = take(app, task, Step.START)
    if taken.moved:
        with app.store.transaction():
            if leases.of([task.id]):
                leases.progress(task.id)
            else:
                leases.take(task.id, "hand", None)
    return taken
