"""Signs of work in a worktree that nobody reports: in git's own files first, then by a bounded scan of the files."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from git_agent.record import Record

_GIT_FILES = ("index", os.path.join("logs", "HEAD"), "HEAD")
_NOT_WORK = frozenset({".git", ".worker-ctx.json"})


class Activity(Record):
    """What a look at a worktree found.

    at: when it was last worked on, in ms since the epoch; None when nothing is newer than the time that was asked for
    examined: how many files and directories were looked at for that
    """

    at: int | None
    examined: int


def latest_activity(worktree: str, admin_dir: str, since_ms: int, *, budget: int = 2000) -> Activity:
    """Find out when a worktree was last worked on.

    worktree: its top level.
    admin_dir: its git directory.
    since_ms: ms since the epoch; what is older does not count.
    budget: how many files and directories are examined when git's own files show nothing; those nearest to the top come
        first.
    Times in the future are ignored, and so is what vanishes during the scan.
    """
    until = int(time.time() * 1000)
    by_git = (_seen(os.path.join(admin_dir, name)) for name in _GIT_FILES)
    times = (_changed(seen) for seen in by_git if seen)
    if at := _newest(times, since_ms, until):
        return Activity(at, len(_GIT_FILES))
    changes = list(islice(_changes(worktree), budget))
    return Activity(_newest(changes, since_ms, until), len(_GIT_FILES) + len(changes))


def _newest(times: Iterable[int], since: int, until: int) -> int | None:
    return max((at for at in times if since < at <= until), default=None)


def _changed(seen: os.stat_result) -> int:
    return seen.st_mtime_ns // 1_000_000


def _changes(root: str) -> Iterator[int]:
    """Yield when each thing below a directory changed, breadth first; other file systems are skipped."""
    device = _seen(root)
    waiting = deque([root] if device else [])
    while waiting:
        for path, seen in _entries(waiting.popleft()):
            yield _changed(seen)
            if stat.S_ISDIR(seen.st_mode) and device and seen.st_dev == device.st_dev:
                waiting.append(path)


def _entries(directory: str) -> Iterator[tuple[str, os.stat_result]]:
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.name not in _NOT_WORK and (seen := _seen(entry.path)):
                yield entry.path, seen


def _seen(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
