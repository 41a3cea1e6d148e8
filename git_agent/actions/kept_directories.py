"""The directories with copies of ignored files that removals kept."""

from __future__ import annotations

import os
from dataclasses import dataclass

from git_agent.actions.kept_files import kept_files
from git_agent.app import App
from git_agent.domain.task import Task


@dataclass(frozen=True, slots=True)
class KeptDirectory:
    """One directory, kept/<task>/<number>. at: when, ms since the epoch; size: files in it."""

    task: int
    number: int
    path: str
    at: int
    size: int


def kept_directories(app: App, task: Task | None = None) -> list[KeptDirectory]:
    """List those of one task or of all, by task and number."""
    root = os.path.join(app.store_dir, "kept")
    found = []
    for owner in [task.id] if task is not None else _numbers(root):
        home = os.path.join(root, str(owner))
        for number in _numbers(home):
            path = os.path.join(home, str(number))
            size = sum(1 for _ in kept_files(path))
            found.append(KeptDirectory(owner, number, path, int(os.stat(path).st_mtime * 1000), size))
    return found


def _numbers(directory: str) -> list[int]:
    names = os.listdir(directory) if os.path.isdir(directory) else ()
    return sorted(int(name) for name in names if name.isdecimal() and os.path.isdir(os.path.join(directory, name)))
