"""Put a FAILED task back into the queue: OPEN."""

from __future__ import annotations

from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain.task import Step, Task


def retry(app: App, task: Task) -> Taken:
    """Retry a task: the next attempt starts from the last one's commits. Raises AgentError as take does."""
    taken, limit = take(app, task, Step.RETRY, reason=None, not_before=None), app.config.number("agent.maxAttempts")
    if taken.task.attempt >= limit:
        app.notice(f"its attempts are used up; for another one: git config agent.maxAttempts {taken.task.attempt + 1}")
    return taken
