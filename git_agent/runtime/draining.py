"""Reconcile in the background. Hooks start the process. Only one runs at a time, and it exits when nothing is new."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.actions.reconcile.reconcile import queue_notices, reconcile
from git_agent.app import App
from git_agent.git import locks, spool
from git_agent.git.discover import is_whole
from git_agent.proc import processes, program
from git_agent.store.store import Store

_PATIENCE_S = 5.0  # maximum wait for the running process to end, before handling what it missed
_PAUSE_S = 0.02
_ROUNDS = 100


def look_until_quiet(app: App, *, note: bool = False) -> None:
    """Drain the spool and reconcile until the spool stays unchanged. Returns if another process does so for over 5 s.

    note: note first that git changed, so that the process at work checks once more; a hook has done so otherwise

    A repository that somebody is deleting is left alone: a file that is made in it would make `rm -rf` fail.

    The file `drain.pid` tells hooks that they need not start another process. It is emptied before the last check of
    the spool. A hook writes to the spool first and reads the file afterwards, so one of the two sees the other.
    """
    if note and not spool.note_moved(app.spool_dir):
        return  # the hooks were removed meanwhile
    with _alone(app) as pid:
        if pid is None:
            return
        for _ in range(_ROUNDS):
            if _is_going(app):
                return  # before the store is opened: that alone makes files
            _say(pid, f"{os.getpid()} {processes.myself().pid_start}\n")
            queue_notices(app, reconcile(app, remotes=True, repairs=False).lines)
            _say(pid, "")
            if not spool.has_moved(app.spool_dir):
                return


def hand_over(app: App, *, asks: bool) -> None:
    """Hand slow work to a background process after a command has reconciled.

    asks: whether a remote has to be queried
    """
    _free(app)
    if asks:
        _start(app)


def _free(app: App) -> None:
    """Empty `drain.pid` if no background process runs. A killed one leaves its pid, which may be reused by now."""
    path = os.path.join(app.store_dir, "drain.pid")
    with contextlib.suppress(OSError):
        if os.stat(path).st_size and not _is_held(app):
            os.truncate(path, 0)


def _start(app: App) -> None:
    """Start a background process unless one is running."""
    path = program.usable_path(app.store_dir)
    if path is not None and app.env.get("GIT_AGENT_HOOKS") != "0" and not _is_held(app):
        from git_agent.proc import programs

        programs.start_detached([path, "sync", "--background"], cwd=app.repo.common_dir)


@contextmanager
def _alone(app: App) -> Iterator[int | None]:
    """Hold the lock of the background process. Yields the open `drain.pid`, or None if the lock is not free in time."""
    if _is_going(app):
        yield None
        return
    fd, end = _open(app, "drain.lock"), time.monotonic() + _PATIENCE_S
    pid = _open(app, "drain.pid")
    try:
        while not (held := locks.try_hold(fd)) and time.monotonic() < end:
            time.sleep(_PAUSE_S)
        yield pid if held else None
    finally:
        os.close(pid)
        os.close(fd)
        if _is_going(app):
            _leave_nothing(app)


def _is_going(app: App) -> bool:
    """Tell whether somebody is deleting the repository. Whoever starts a look has written into the spool before."""
    return not (is_whole(app.repo.common_dir) and os.path.isdir(app.spool_dir) and Store.stands_in(app.store_dir))


def _leave_nothing(app: App) -> None:
    """Remove what a background process may have made in a repository that is being deleted."""
    app.close()
    for name in ("drain.lock", "drain.pid"):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(app.store_dir, name))
    with contextlib.suppress(OSError):
        os.rmdir(app.store_dir)


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
