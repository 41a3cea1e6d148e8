"""Our own locks in the repository, and lock files that git left behind."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from git_agent.errors import AgentError, Exit, refused
from git_agent.git.repo import Repo
from git_agent.git.sweeper import try_hold
from git_agent.record import Record

__all__ = ["creation_lock", "landing_lock", "private_dir", "try_hold"]


def private_dir(repo: Repo, *parts: str) -> str:
    """Return the directory <common>/git-agent/<parts>; create it with mode 0700 if it is missing."""
    path = os.path.join(repo.common_dir, "git-agent")
    for part in ("", *parts):
        path = os.path.join(path, part) if part else path
        os.makedirs(path, mode=0o700, exist_ok=True)
    return path


@contextmanager
def creation_lock(repo: Repo, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock under which worktrees are registered and removed.

    timeout: seconds.
    Raises AgentError busy (exit 6) with the pid of the holder.
    Without the lock git fails (measured): of 24 `git worktree add` at once one dies with "failed to read commondir",
    and two for one path both succeed.
    """
    with _locked(repo, "worktree.lock", "is creating a worktree", timeout):
        yield


@contextmanager
def landing_lock(repo: Repo, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock under which bases are moved.

    timeout: seconds.
    Raises AgentError busy (exit 6) with the pid of the holder.
    `git merge --ff-only` releases the index before it moves the ref. Measured: of six at once in one checkout, the
    losers leave their files staged on top of the winner's.
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
            import random

            time.sleep(random.uniform(0.002, 0.02))
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {_pid_namespace()}\n".encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(fd, 0)  # so that nobody names us while the next holder writes its pid
    finally:
        os.close(fd)


def _held(fd: int, path: str, doing: str) -> AgentError:
    pid, _, space = os.pread(fd, 80, 0).decode("ascii", "replace").strip().partition(" ")
    if pid.isdecimal() and space == _pid_namespace() and _lives(int(pid)):
        return AgentError("busy", f"process {pid} {doing} and holds {path}", f"ps -p {pid}", exit=Exit.BUSY)
    says = f"another process {doing} and holds {path}"
    return AgentError("busy", says, "try again when it has ended", exit=Exit.BUSY)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True


def _pid_namespace() -> str:
    """Name the namespace in which our pid counts; a container has one of its own."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


# Not those in git-agent/, which are held with flock(2) and stay when they are released.
_FLAT, _DEEP = ("", "objects", "objects/info", "objects/info/commit-graphs"), ("refs", "reftable", "worktrees")


class LockFile(Record):
    """A lock file of git. path: absolute. age_s: seconds since it was created or last written."""

    path: str
    age_s: float


def lock_files(repo: Repo) -> list[str]:
    """List the absolute paths of git's lock files in a repository and its worktrees."""
    paths = [path for name in _FLAT for path in _here(os.path.join(repo.common_dir, name))]
    return sorted([*paths, *(path for name in _DEEP for path in _below(os.path.join(repo.common_dir, name)))])


def stale_locks(paths: Iterable[str], older_s: float) -> list[LockFile]:
    """Return the lock files among paths that belong to this user and are older than older_s seconds."""
    now, found = time.time(), []
    for path in paths:
        try:
            held = os.lstat(path)
        except OSError:  # released in the meantime
            continue
        # Which files another user's git has open can't be seen.
        if now - held.st_mtime > older_s and held.st_uid == os.geteuid():
            found.append(LockFile(path, now - held.st_mtime))
    return found


def move_lock_aside(repo: Repo, path: str) -> str:
    """Move a lock file into <common>/git-agent/kept/locks; return its new path. Raises OSError."""
    name = os.path.relpath(path, repo.common_dir).replace(os.sep, "%")
    kept = os.path.join(private_dir(repo, "kept", "locks"), f"{time.time_ns()}-{name}")
    os.rename(path, kept)
    return kept


def move_lock_back(kept: str, path: str) -> None:
    """Move a lock file back. Raises AgentError (exit 3) when git has created another one there."""
    try:
        os.link(kept, path)
    except FileExistsError:
        raise refused("lock-exists", f"{path} exists again", "git agent doctor, when that git has ended") from None
    except FileNotFoundError:
        raise refused("lock-lost", f"{kept} or the place of {path} is gone", f"ls {os.path.dirname(kept)}") from None
    os.unlink(kept)


def _here(directory: str) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            yield from (each.path for each in entries if each.name.endswith(".lock") and not each.is_dir())
    except OSError:
        return


def _below(directory: str) -> Iterator[str]:
    for at, _, names in os.walk(directory):
        yield from (os.path.join(at, name) for name in names if name.endswith(".lock"))
