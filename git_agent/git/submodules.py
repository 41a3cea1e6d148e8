"""Submodules of a linked worktree: their repositories lie under its admin directory, and go with it."""

from __future__ import annotations

import os

from git_agent.git.repo import Repo
from git_agent.git.run import git


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


def _has_own(git_dir: str) -> bool:
    args = ("rev-list", "--max-count=1", "HEAD", "--branches", "--not", "--remotes", "--")
    # core.worktree of the submodule is a relative path that need not be there any more; nothing of it is read.
    done = git("--work-tree=.", *args, git_dir=git_dir, cwd=git_dir, ok=(0, 128))
    return done.status != 0 or bool(done.out)
