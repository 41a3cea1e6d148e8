"""A full checkout of a commit in a scratch worktree, for a check to run in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.scratch import scratch


@contextmanager
def preview(repo: Repo, oid: str) -> Iterator[str]:
    """Lend the path of a worktree with a commit (full oid) checked out, detached; it is removed afterwards."""
    with scratch(repo) as path:
        with creation_lock(repo):
            args = (
                "worktree",
                "add",
                "--detach",
                "--no-checkout",
                "--lock",
                "--reason",
                "git-agent: scratch",
            )
            repo.git(*args, "--", path, oid)
        git("reset", "--hard", "--quiet", "--no-recurse-submodules", cwd=path)
        yield path
