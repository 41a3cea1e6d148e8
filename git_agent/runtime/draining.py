"""The background look at git that hooks start: one at a time, until there is nothing new, and then gone."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.actions.reconcile.reconcile import queue_notices, reconcile
from git_agent.app import App
from git_agent.git import locks, spool
from git_agent.proc import processes, program, programs

_PATIENCE_S = 5.0  # for the one at work to end: what it missed is then looked at by this one
_PAUSE_S = 0.02
_ROUNDS = 100


def look_until_quiet(app: App) -> None:
    """Drain the spool and reconcile until nothing new is noted; at once done where somebody else is at it for long.

    The file `drain.pid` tells the hooks that they need not start another one. It is emptied before the last look at the
    spool: a hook notes first and reads it afterwards, so one of the two sees the other.
    """
    with _alone(app) as pid:
        if pid is None:
            return
        for _ in range(_ROUNDS):
            _say(pid, f"{os.getpid()} {processes.myself().pid_start}\n")
            queue_notices(app, reconcile(app, remotes=True).lines)
            _say(pid, "")
            if not spool.has_moved(app.spool_dir):
                return


def hand_over(app: App, *, asks: bool) -> None:
    """Leave to the background what a command that has just reconciled must not wait for.

    asks: a remote has to be asked.
    """
    _free(app)
    if asks:
        _start(app)


def _free(app: App) -> None:
    """Empty `drain.pid` where nobody looks: a look that was killed left a pid that may be somebody else's by now."""
    path = os.path.join(app.store_dir, "drain.pid")
    with contextlib.suppress(OSError):
        if os.stat(path).st_size and not _is_held(app):
            os.truncate(path, 0)


def _start(app: App) -> None:
    """Start a background look, unless one is at work."""
    path = program.usable_path(app.store_dir)
    if path is not None and app.env.get("GIT_AGENT_HOOKS") != "0" and not _is_held(app):
        programs.start_detached([path, "sync", "--background"], cwd=app.repo.common_dir)


@contextmanager
def _alone(app: App) -> Iterator[int | None]:
    """Hold the lock under which one process at a time looks; None when it could not be had."""
    fd, end = _open(app, "drain.lock"), time.monotonic() + _PATIENCE_S
    pid = _open(app, "drain.pid")
    try:
        while not (held := locks.try_hold(fd)) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        yield pid if held else None
    finally:
        os.close(pid)
        os.close(fd)


def _is_held(app: App) -> bool:
    fd = _open(app, "drain.lock")
    try:
        return not locks.try_hold(fd)
    finally:
        os.close(fd)


def _open(app: App, name: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    return os.open(os.path.join(app.store_dir, name), flags, 0o600)


def _say(fd: int, text: str) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, text.encode(), 0)
