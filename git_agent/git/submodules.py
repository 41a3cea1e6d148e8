"""Submodules of a linked worktree: their repositories lie under its admin directory, and go with it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.state import Change, status


def unpushed(repo: Repo, admin: str) -> list[str]:
    """Name the submodules initialised in a worktree that have commits on no remote. admin: under worktrees/."""
    root = os.path.join(repo.common_dir, "worktrees", admin, "modules")
    found = []
    for path, directories, _ in os.walk(root):
        if {"objects", "refs"} <= set(directories):
            directories[:] = [name for name in directories if name == "modules"]
            if _has_own(path):
                found.append(os.path.relpath(path, root))
    return found


def changed(worktree: str, changes: Sequence[Change], links: Sequence[str]) -> list[str]:
    """Name the submodules of a worktree that have uncommitted or untracked files.

    changes: the worktree's status; links: what its index holds as repositories.
    """
    names = {c.path.rstrip("/") for c in changes if os.path.isfile(os.path.join(worktree, c.path, ".git"))}
    return [name for name in links if name in names and status(os.path.join(worktree, name), ignored=False)]


def _has_own(git_dir: str) -> bool:
    # A pattern, since --glob=refs/stash would mean what is below it.
    args = ("rev-list", "--max-count=1", "HEAD", "--branches", "--glob=refs/stas[h]", "--not", "--remotes", "--")
    # core.worktree of the submodule is a relative path that need not be there any more; nothing of it is read.
    done = git("--work-tree=.", *args, git_dir=git_dir, cwd=git_dir, ok=(0, 128))
    return done.status != 0 or bool(done.out)
