"""Find what a task's command printed."""

from __future__ import annotations

import os
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.proc import logfile


@dataclass(frozen=True, slots=True)
class Log:
    """A task's log. path: the file that is written to; older: the one before it, when the first was full."""

    task: Task
    path: str
    older: str | None


def logs(app: App, task: Task, attempt: int | None = None) -> Log:
    """Find the log of an attempt, the newest that has one without attempt. Raises AgentError where there is none."""
    directory = os.path.join(app.store_dir, "logs")
    numbers = range(task.attempt, 0, -1) if attempt is None else [attempt]
    for path in (logfile.name(directory, task.id, number) for number in numbers):
        if os.path.lexists(path):
            older = path + logfile.OLDER
            return Log(task, path, older if os.path.lexists(older) else None)
    which = "" if attempt is None else f" (attempt {attempt})"
    raise AgentError("no-log", f"nothing was run for {task.label}{which}", f"git agent run {task.id}")
