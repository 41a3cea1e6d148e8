"""Say where a command for a task's worktree runs, and with what environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import refused
from git_agent.git.run import LOCAL_NAMES


@dataclass(frozen=True, slots=True)
class Place:
    """A worktree and an environment in which git means that worktree."""

    directory: str
    env: Mapping[str, str]


def exec_place(app: App, task: Task) -> Place:
    """Find a task's worktree. Raises AgentError (exit 3) where there is none."""
    if task.worktree is None or not os.path.isdir(task.worktree):
        raise refused("no-worktree", f"{task.label} has no worktree", f"git agent show {task.id}")
    return Place(task.worktree, {name: value for name, value in app.env.items() if name not in LOCAL_NAMES})
