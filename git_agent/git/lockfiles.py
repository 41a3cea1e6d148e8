"""Lock files that git left: where they are, how old, and how they are moved out of the way and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from git_agent.errors import refused
from git_agent.git.locks import private_dir
from git_agent.git.repo import Repo

# Not those in git-agent/, which are held with flock(2) and stay.
_FLAT, _DEEP = ("", "objects", "objects/info", "objects/info/commit-graphs"), ("refs", "reftable", "worktrees")


class LockFile(NamedTuple):
    """A lock file. path: absolute; age_s: seconds since it was made or written."""

    path: str
    age_s: float


def lock_files(repo: Repo) -> list[str]:
    """List the lock files of a repository and of its worktrees: absolute paths."""
    paths = [path for name in _FLAT for path in _here(os.path.join(repo.common_dir, name))]
    return sorted([*paths, *(path for name in _DEEP for path in _below(os.path.join(repo.common_dir, name)))])


def aged(paths: Iterable[str], older_s: float) -> list[LockFile]:
    """Return those of these lock files that are ours and older than this (seconds)."""
    now, found = time.time(), []
    for path in paths:
        try:
            held = os.lstat(path)
        except OSError:  # let go meanwhile
            continue
        # Which files somebody else's git has open can't be seen.
        if now - held.st_mtime > older_s and held.st_uid == os.geteuid():
            found.append(LockFile(path, now - held.st_mtime))
    return found


def put_aside(repo: Repo, path: str) -> str:
    """Move a lock file into <common>/git-agent/kept/locks; return where it is then. Raises OSError."""
    name = os.path.relpath(path, repo.common_dir).replace(os.sep, "%")
    kept = os.path.join(private_dir(repo, "kept", "locks"), f"{time.time_ns()}-{name}")
    os.rename(path, kept)
    return kept


def put_back(kept: str, path: str) -> None:
    """Move a lock file back, unless git made another one there. Raises AgentError (exit 3)."""
    try:
        os.link(kept, path)
    except FileExistsError:
        raise refused("lock-exists", f"{path} is there again", "wait until that git has ended") from None
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
