"""Private scratch directories for merging; after a crash the next command deletes them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.errors import AgentError
from git_agent.git.locks import creation_lock, private_dir, try_hold
from git_agent.git.repo import Repo
from git_agent.git.sweeper import delete_tree
from git_agent.git.worktrees import trash
from git_agent.git.worktrees.ignored import TEMPORARY
from git_agent.git.worktrees.trash import delete_trash

_NEW_S = 1.0  # its owner locks the mark some microseconds after creating it


@contextmanager
def scratch(repo: Repo) -> Iterator[str]:
    """Yield a path for a directory (not created yet); delete it afterwards, with its registration.

    A locked file beside it shows that this process is alive, even across containers, where pids mean nothing.
    """
    root = private_dir(repo, "scratch")
    path = os.path.join(root, f"{os.getpid()}-{os.urandom(4).hex()}")
    fd = None
    try:
        with creation_lock(repo):
            fd = os.open(path + ".alive", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try_hold(fd)
            delete_stale_scratch(repo)
        yield path
    finally:
        try:
            _clear(repo, path)
        finally:
            if fd is not None:
                os.close(fd)


def delete_stale_scratch(repo: Repo) -> None:
    """Delete the scratch directories of dead processes. The caller holds the creation lock."""
    root = private_dir(repo, "scratch")
    for name in os.listdir(root):
        path = os.path.join(root, name)
        if not name.endswith(".alive"):
            continue
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if try_hold(fd):
                    _clear(repo, path.removesuffix(".alive"))
            finally:
                os.close(fd)


def marked(root: str) -> Iterator[tuple[str, bool]]:
    """Yield each marked scratch directory in root and whether its process is alive. Changes nothing."""
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else ():
        path = os.path.join(root, name)
        with contextlib.suppress(OSError):
            if name.endswith(".alive") and time.time() - os.lstat(path).st_mtime > _NEW_S:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                try:
                    held = not try_hold(fd)
                finally:
                    os.close(fd)
                yield path.removesuffix(".alive"), held


def _clear(repo: Repo, path: str) -> None:
    # By its unique name: the file that tells whose the registration is may be the first to be deleted.
    ours = (repo.admin_dir(os.path.basename(path)), path)
    for each in ours:
        with contextlib.suppress(OSError):
            delete_tree(each)
    if not any(map(os.path.lexists, ours)):  # else the mark stays, so that another command tries again
        with contextlib.suppress(OSError):
            os.unlink(path + ".alive")
    with contextlib.suppress(OSError):
        os.rmdir(repo.admin_dir(""))


def restore_aside(repo: Repo) -> None:
    """Rename back what dead processes renamed aside and did not examine."""
    with contextlib.suppress(AgentError, OSError), creation_lock(repo):
        trash.restore_unexamined(repo)


def delete_leftovers(repo: Repo) -> None:
    """Delete what dead processes left: scratch directories, their registrations, and directories renamed aside.

    Does not wait: what another process holds right now is left for the next command.
    """
    with contextlib.suppress(AgentError, OSError), creation_lock(repo, timeout=0):
        delete_stale_scratch(repo)
        trash.restore_unexamined(repo)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(repo.common_dir, "info", TEMPORARY))
    with contextlib.suppress(AgentError, OSError):
        delete_trash(repo)


def left_in(store_dir: str, place: str) -> Iterator[tuple[str, float]]:
    """Yield the names in one of our private directories, each with its age in seconds.

    store_dir: <common>/git-agent.
    place: the name of the directory in it.
    """
    try:
        names = sorted(os.listdir(os.path.join(store_dir, place)))
    except OSError:
        return
    for name in names:
        try:
            yield name, time.time() - os.lstat(os.path.join(store_dir, place, name)).st_mtime
        except OSError:
            continue
