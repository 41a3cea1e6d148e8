"""Put a finished task back into the queue: OPEN. Its dependents wait for it again."""

from __future__ import annotations

from typing import Any

from git_agent.actions.take import Taken, take
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.task import FINISHED, Step, Task
from git_agent.errors import refused
from git_agent.store import tasks


def reopen(app: App, task: Task) -> Taken:
    """Reopen a task. Raises AgentError as take does, and exit 3 when its name was taken meanwhile."""
    if task.state in FINISHED and tasks.name_taken(names.key(task.name)):
        raise refused(
            "name-taken",
            f"cannot reopen {task.label}: another task is named '{task.name}'",
            "git agent add TITLE, for a new one",
        )
    gone = ("merged_oid", "merged_by", "reviewed_oid", "reviewer", "reverted_oid", "reason")
    columns: dict[str, Any] = dict.fromkeys(gone)
    # What was merged is no work of the reopened task: only what its branch gets from now on is.
    columns |= {"base_oid": task.head_oid or task.base_oid, "worked": 0}
    return take(app, task, Step.REOPEN, **columns)
