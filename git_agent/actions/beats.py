"""Beat files: one per worktree, touched by the hooks instead of the store."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from git_agent.app import App
from git_agent.domain.lease import MAX_SKEW_MS
from git_agent.domain.task import State
from git_agent.errors import UNWRITABLE, AgentError
from git_agent.files import replace_file
from git_agent.store.attempts import Standing

FIRST = b"assigned\n"
"""Content of the file of a worker that has not begun. It makes hooks/told start one sync."""


def beats(app: App, standing: Sequence[Standing]) -> None:
    """Record the signs of life that hooks left since the last check, and write each worker's beat file.

    standing: the attempts with worktrees.
    Costs a directory listing and a stat per file; nothing when there are no hooks.
    """
    directory = os.path.join(app.store_dir, "beat")
    try:
        with os.scandir(directory) as entries:
            files = {e.name: e.stat(follow_symlinks=False) for e in entries}
    except OSError:
        return
    wanted = {each.admin: _content(each) for each in standing if each.state is not State.COMPLETED}
    heard = {
        each.task: int(seen.st_mtime * 1000) for each in standing if each.working and (seen := files.get(each.admin))
    }
    _record(app, standing, heard)
    for name in files.keys() - wanted.keys():
        _remove(directory, name)
    for name, content in wanted.items():
        size = files[name].st_size if name in files else -1
        if size not in ((0, len(FIRST)) if content in (b"", FIRST) else (len(content),)):
            _write(directory, name, content)


def _content(each: Standing) -> bytes:
    """Return the beat file: the first line is for the hook, the rest is for the worker (see hooks/told)."""
    if each.superseded:
        says = f"task {each.task} is no longer this worktree's (attempt {each.number}): git agent show {each.task}"
        return os.fsencode(f"superseded refs/heads/{each.branch}\n{says}\n")
    return FIRST if each.state is State.ASSIGNED else b""


def _record(app: App, standing: Sequence[Standing], heard: dict[int, int]) -> None:
    new = [e.task for e in standing if e.working and _is_new(heard.get(e.task, 0), e.progress_at)]
    if not new:
        return
    lease_s = app.config.seconds("agent.lease")
    try:
        with app.store.transaction():
            for task in new:
                app.store.leases.heard(task, heard[task], lease_s)
    except AgentError as error:
        if error.code not in UNWRITABLE:
            raise


def _is_new(heard: int, progress_at: int | None) -> bool:
    """A beat in the future was written before the wall clock was set back; it proves nothing."""
    if progress_at is None:
        return False
    ahead = int(time.time() * 1000) + MAX_SKEW_MS
    return 0 < heard <= ahead and (heard > progress_at or progress_at > ahead)


def _write(directory: str, name: str, content: bytes) -> None:
    """Write the file atomically; the creation of a file is not a sign of life."""
    try:
        replace_file(os.path.join(directory, name), content, mtime=0)
    except OSError:
        return  # without the file, the worker's commits are still seen on its branch


def _remove(directory: str, name: str) -> None:
    try:
        os.unlink(os.path.join(directory, name))
    except OSError:
        return
