"""Put a task back into the queue: OPEN. Worktree and branch stay, the attempt counts."""

from __future__ import annotations

from git_agent.actions.still_runs import still_runs
from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain.task import Step, Task


def release(app: App, task: Task) -> Taken:
    """Release a task. Raises AgentError as take does."""
    taken = take(app, task, Step.RELEASE)
    still_runs(app, taken.task)
    return taken
