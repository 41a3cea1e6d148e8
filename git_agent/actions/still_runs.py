"""Say that a task's command runs on although the task went somewhere else."""

from __future__ import annotations

import os

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.proc import processes
from git_agent.store import sessions


def still_runs(app: App, task: Task) -> None:
    """Keep a notice for each supervised command of a task that is alive; none for the command that asks itself."""
    if app.speaker.works_on(task):
        return
    for session in sessions.unended(task.id):
        if session.owner.pid != os.getpid() and not processes.is_gone(session.owner):
            which = f"the command of attempt {session.attempt} of {task.label}"
            app.notice(f"{which} still runs (process {session.owner.pid}): git agent stop {task.id}")
