"""Say why a queue leaves a task where it is."""

from __future__ import annotations

from git_agent.domain.queueing import Fate, Outcome
from git_agent.domain.task import Task
from git_agent.errors import AgentError


def left_out(task: Task, error: AgentError, before: str = "") -> Outcome:
    """Make the outcome of a task of an error that keeps it from being merged. before: said before the reason."""
    said = error.message.removeprefix(f"cannot merge {task.label}: ")
    return Outcome(task.id, Fate.LEFT_OUT, before + said, error.hint, error.details, exit=error.exit, code=error.code)
