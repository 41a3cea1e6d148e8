"""Where a worktree is and what it has checked out, as its files say: no git is started, for every command asks."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from git_agent.git.discover import linked
from git_agent.git.repo import HEADS
from git_agent.git.state import git_dir_of


class Spot(NamedTuple):
    """A registered worktree. path: None when its registration can't be read; head: its branch, an oid when detached,
    None while a rebase or bisection has HEAD, or when the ref backend keeps it elsewhere.
    """

    path: str | None
    head: str | None


def spot(common_dir: str, admin: str) -> Spot | None:
    """Look at the worktree with this name under `worktrees/`; None when it is not registered any more."""
    git_dir = os.path.join(common_dir, "worktrees", admin)
    try:
        with open(os.path.join(git_dir, "HEAD"), "rb") as file:
            head = os.fsdecode(file.read()).strip()
    except OSError:
        return None
    return Spot(linked(git_dir), _named(git_dir, head))


def stood_in(common_dir: str) -> str | None:
    """Return the name under `worktrees/` of the worktree of this repository that the current directory lies in.

    Neither GIT_DIR nor a repository or submodule inside that worktree counts. None outside of every linked worktree.
    """
    try:
        here = os.getcwd()
    except OSError:  # it was removed
        return None
    root = os.path.join(common_dir, "worktrees")
    while True:
        found = git_dir_of(here)
        if found is not None and os.path.dirname(found) == root:
            return os.path.basename(found)
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above


def _named(git_dir: str, head: str) -> str | None:
    if head.startswith("ref: "):
        name = head.removeprefix("ref: " + HEADS)
        return None if name == ".invalid" else name  # what the reftable backend writes there
    busy = ("rebase-merge", "rebase-apply", "BISECT_LOG")
    return None if any(os.path.exists(os.path.join(git_dir, name)) for name in busy) else head


def last_head(common_dir: str, admin: str) -> str | None:
    """Return the last commit that a worktree's own log of HEAD names, None without one: it outlives the branch."""
    try:
        with open(os.path.join(common_dir, "worktrees", admin, "logs", "HEAD"), "rb") as file:
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2].split(b" ", 2)
    except OSError:
        return None
    return last[1].decode("ascii", "replace") if len(last) > 2 else None


def left_in(store_dir: str, place: str) -> Iterator[tuple[str, float]]:
    """Yield what is in one of our private directories, with its age in seconds."""
    try:
        names = sorted(os.listdir(os.path.join(store_dir, place)))
    except OSError:
        return
    for name in names:
        try:
            yield name, time.time() - os.lstat(os.path.join(store_dir, place, name)).st_mtime
        except OSError:
            continue
