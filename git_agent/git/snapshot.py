"""Keep what is not committed: a commit of everything modified and untracked, without touching index or files."""

from __future__ import annotations

import os

from git_agent.git.locks import private_dir
from git_agent.git.repo import Repo
from git_agent.git.run import git


def snapshot(repo: Repo, worktree: str, message: str) -> str | None:
    """Commit a worktree's uncommitted and untracked files on top of its HEAD, on no branch.

    Returns the commit's oid, None when the worktree is clean. Ignored files are not kept.
    """
    if not repo.status(worktree):
        return None
    index = os.path.join(private_dir(repo, "scratch"), f"index-{os.getpid()}-{os.urandom(4).hex()}")
    env = {"GIT_INDEX_FILE": index}
    try:
        git("read-tree", "HEAD", cwd=worktree, env=env)
        git("add", "--all", "--", ".", cwd=worktree, env=env)
        tree = git("write-tree", cwd=worktree, env=env).text
    finally:
        for leftover in (index, index + ".lock"):
            if os.path.exists(leftover):
                os.unlink(leftover)
    head = git("rev-parse", "--verify", "HEAD", cwd=worktree).text
    return git("commit-tree", "-p", head, "-F", "-", tree, cwd=worktree, stdin=message.encode()).text
