"""Keep what is not committed: a commit of everything modified and untracked, without touching index or files."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.scratch import scratch


def snapshot(repo: Repo, worktree: str, message: str, also: Sequence[str] = ()) -> str:
    """Commit a worktree's uncommitted and untracked files on top of its HEAD, on no branch.

    also: ignored files to keep, too, relative to worktree. Returns the commit's oid.
    """
    with scratch(repo) as root:
        os.mkdir(root, 0o700)
        env = {"GIT_INDEX_FILE": os.path.join(root, "index")}
        git("read-tree", "HEAD", cwd=worktree, env=env)
        git("add", "--all", "--", ".", cwd=worktree, env=env)
        if also:
            given = "".join(f"{path}\0" for path in also).encode("utf-8", "surrogateescape")
            how = ("--force", "--pathspec-from-file=-", "--pathspec-file-nul")
            git("--literal-pathspecs", "add", *how, cwd=worktree, env=env, stdin=given)
        tree = git("write-tree", cwd=worktree, env=env).text
    head = git("rev-parse", "--verify", "HEAD", cwd=worktree).text
    return git("commit-tree", "-p", head, "-F", "-", tree, cwd=worktree, stdin=message.encode()).text
