"""Locks of our own in the repository: for making worktrees, for landing, and markers that outlive nobody."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.errors import AgentError, Exit
from git_agent.git.repo import Repo
from git_agent.git.sweeper import try_hold

__all__ = ["creation_lock", "landing_lock", "private_dir", "try_hold"]


def private_dir(repo: Repo, *parts: str) -> str:
    """Return (and make, mode 0700) the directory <common>/git-agent/<parts>."""
    path = os.path.join(repo.common_dir, "git-agent")
    for part in ("", *parts):
        path = os.path.join(path, part) if part else path
        os.makedirs(path, mode=0o700, exist_ok=True)
    return path


@contextmanager
def creation_lock(repo: Repo, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock under which worktrees are registered and taken back.

    Without it git fails: measured, 24 `git worktree add` at once, one dies with "failed to read commondir", and two
    for one path both succeed. timeout: seconds; raise AgentError busy (exit 6) naming the pid that holds it.
    """
    with _locked(repo, "worktree.lock", "is making a worktree", timeout):
        yield


@contextmanager
def landing_lock(repo: Repo, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock under which bases are moved.

    `git merge --ff-only` lets its index go before it moves the ref: measured, of six at once in one checkout the
    losers leave their files staged on top of the winner's. timeout: seconds; raise AgentError busy (exit 6).
    """
    with _locked(repo, "landing.lock", "is landing a merge", timeout):
        yield


@contextmanager
def _locked(repo: Repo, name: str, doing: str, timeout: float) -> Iterator[None]:
    path = os.path.join(private_dir(repo), name)
    end = time.monotonic() + timeout
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        while not try_hold(fd):
            if time.monotonic() >= end:
                raise _held(fd, path, doing)
            time.sleep(random.uniform(0.002, 0.02))
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(fd)


def _held(fd: int, path: str, doing: str) -> AgentError:
    pid = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
    return AgentError("busy", f"process {pid} {doing} and holds {path}", f"ps -p {pid}", exit=Exit.BUSY)
