"""Give a task up: FAILED, with the reason."""

from __future__ import annotations

from git_agent.actions.still_runs import still_runs
from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.task import Step, Task


def fail(app: App, task: Task, reason: str) -> Taken:
    """Fail a task; its dependents keep waiting. reason: shown with the task. Raises AgentError as take does."""
    why = names.check_message(reason)
    taken = take(app, task, Step.FAIL, data={"reason": why}, reason=why)
    still_runs(app, taken.task)
    return taken
