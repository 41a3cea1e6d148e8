"""Every registered worktree as its files say, whoever made it: for who looks for those that belong to nobody."""

from __future__ import annotations

import os
import tempfile
import time
from typing import NamedTuple

from git_agent.errors import refused
from git_agent.files import replace_file
from git_agent.git.discover import linked
from git_agent.git.locks import private_dir
from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.worktrees.registry import INITIALIZING, LOCK_REASON, is_half, reason, spot
from git_agent.git.worktrees.state import way_home

_OURS = LOCK_REASON.format(task="")


class Registered(NamedTuple):
    """One registration. path: None while it can't be read; head: branch or oid, None when unknown; locked: the reason,
    None without a lock; half: never finished; age_s: seconds since it was made.
    """

    admin: str
    path: str | None
    head: str | None
    locked: str | None
    half: bool
    age_s: float

    @property
    def initializing(self) -> bool:
        """Tell whether git began to make it and did not come to its end."""
        return self.locked == INITIALIZING

    @property
    def task(self) -> int | None:
        """Name the task whose lock it has."""
        number = (self.locked or "").removeprefix(_OURS)
        return int(number) if self.locked != number and number.isdecimal() else None


def registered(repo: Repo) -> list[Registered]:
    """List what stands under worktrees/, by name; reads a few small files of each."""
    try:
        names = sorted(os.listdir(os.path.join(repo.common_dir, "worktrees")))
    except OSError:
        return []
    return [each for name in names if (each := registration(repo, name))]


def registration(repo: Repo, admin: str) -> Registered | None:
    """Read one registration by its name; None where it is gone."""
    where, at = os.path.join(repo.common_dir, "worktrees", admin), spot(repo.common_dir, admin)
    path = linked(where)
    try:
        age = time.time() - _made_at(where)
    except OSError:
        return None
    half = path is None or is_half(path, [where])
    return Registered(admin, path, at.head if at else None, reason(where), half, age)


def _made_at(admin: str) -> float:
    """The directory's own time is that of the last lock file in it; git writes `commondir` once."""
    try:
        return os.lstat(os.path.join(admin, "commondir")).st_mtime
    except FileNotFoundError:
        return os.lstat(admin).st_mtime


def reconnect(repo: Repo, admin: str, path: str) -> None:
    """Write both pointers anew: repository and worktree were moved, and neither finds the other any more.

    `git worktree repair` of git 2.39 does not: "unable to locate repository; .git file does not reference a
    repository". Call it with the creation lock held. Raises AgentError (exit 3) when one of the old places is there, or
    the directory is no worktree of this name.
    """
    where = os.path.join(repo.common_dir, "worktrees", admin)
    before, after = linked(where), way_home(path)
    if os.path.basename(after) != admin or before is None or os.path.lexists(before) or os.path.lexists(after):
        raise refused("not-moved", f"{path} is not what was moved from {before}", "git worktree list")
    _point(os.path.join(where, "gitdir"), os.path.join(path, ".git"))
    _point(os.path.join(path, ".git"), f"gitdir: {where}")


def _point(file: str, text: str) -> None:
    # A fixed name, under the creation lock: killed again and again, it leaves one untracked file at most.
    replace_file(file, os.fsencode(text) + b"\n", temporary=f"{file}.new", sync=True)


def repair(repo: Repo, path: str) -> None:
    """Have git connect a worktree and its registration again, after one of them was moved."""
    repo.git("worktree", "repair", "--", path)


def point_back(repo: Repo, admin: str, path: str) -> None:
    """Write a worktree's .git file anew; raise OSError where that is a directory."""
    _point(os.path.join(path, ".git"), f"gitdir: {os.path.join(repo.common_dir, 'worktrees', admin)}")


def works(repo: Repo, path: str) -> bool:
    """Tell whether git finds this repository from a worktree."""
    home = way_home(path)
    return os.path.dirname(home) == os.path.join(repo.common_dir, "worktrees") and os.path.isdir(home)


def claimed_elsewhere(repo: Repo, path: str) -> bool:
    """Tell whether a directory is registered with another repository, which its .git file names: ours is a copy."""
    home = way_home(path)
    ours = os.path.dirname(home) == os.path.join(repo.common_dir, "worktrees")
    return bool(home) and not ours and linked(home) == os.path.realpath(path)


def leads_nowhere(repo: Repo, path: str) -> bool:
    """Tell whether a directory was a worktree of this repository, and is not registered any more."""
    home = way_home(path)
    return os.path.dirname(home) == os.path.join(repo.common_dir, "worktrees") and not os.path.isdir(home)


def work_in(repo: Repo, admin: str, path: str) -> list[str]:
    """List what a half-made worktree has beside files as they were committed: nobody's work may go with it.

    Its index may be missing, or be half written: HEAD is read into one of our own.
    """
    git_dir = os.path.join(repo.common_dir, "worktrees", admin)
    with tempfile.TemporaryDirectory(dir=private_dir(repo, "scratch")) as scratch:
        env = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        where = {"git_dir": git_dir, "cwd": path, "env": env}
        look = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored")
        git(f"--work-tree={path}", "read-tree", "HEAD", **where)  # type: ignore[arg-type]
        said = git(f"--work-tree={path}", *look, **where)  # type: ignore[arg-type]
    return [field for field in said.fields if field and field[:2] != " D"]
