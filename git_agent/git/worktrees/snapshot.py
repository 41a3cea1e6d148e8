"""Keep what is not committed: a commit of everything modified and untracked, without touching index or files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from git_agent.git.discover import git_dir_of
from git_agent.git.repo import Repo
from git_agent.git.run import git
from git_agent.git.worktrees.scratch import scratch

_STAGED = b"What was staged\n"


class Snapshot(NamedTuple):
    """What was kept.

    oid: the commit.
    staged: the tree of what was staged, None when nothing was.
    stages: staged is a tree of the stages of an unmerged index, `0/` to `3/`.
    """

    oid: str
    staged: str | None
    stages: bool


def take_snapshot(repo: Repo, worktree: str, message: str, also: Sequence[str] = ()) -> Snapshot:
    """Commit a worktree's uncommitted and untracked files on top of its HEAD, on no branch.

    worktree: its top level.
    message: the commit message.
    also: ignored files to keep, too, relative to worktree.
    As in a stash, a second parent holds what was staged, if that is neither in HEAD nor in the commit itself.
    """
    head = git("rev-parse", "--verify", "--quiet", "HEAD", cwd=worktree, ok=(0, 1)).text
    with scratch(repo) as root:
        os.mkdir(root, 0o700)
        env = {"GIT_INDEX_FILE": os.path.join(root, "index")}
        git("read-tree", head or "--empty", cwd=worktree, env=env)
        git("add", "--all", "--", ".", cwd=worktree, env=env)
        if also:
            given = "".join(f"{path}\0" for path in also).encode("utf-8", "surrogateescape")
            how = ("--force", "--pathspec-from-file=-", "--pathspec-file-nul")
            git("--literal-pathspecs", "add", *how, cwd=worktree, env=env, stdin=given)
        tree = git("write-tree", cwd=worktree, env=env).text
        staged, stages = _staged(worktree, root)
    parents = ["-p", head] if head else []
    differs = staged != _tree(worktree, head)
    if differs and staged != tree:
        parents += ["-p", git("commit-tree", *parents, "-F", "-", staged, cwd=worktree, stdin=_STAGED).text]
    oid = git("commit-tree", *parents, "-F", "-", tree, cwd=worktree, stdin=message.encode()).text
    return Snapshot(oid, staged if differs else None, stages)


def restage(worktree: str, tree: str, *, stages: bool, intended: Sequence[str] = ()) -> None:
    """Restore the index of a worktree; its files stay as they are.

    tree, stages: from a Snapshot.
    intended: paths that only `git add --intent-to-add` had put there, which no tree holds.
    """
    if stages:
        entries = [field.partition("\t") for field in git("ls-tree", "-r", "-z", tree, cwd=worktree).fields if field]
        lines = [(*what.split()[::2], *name.split("/", 1)) for what, _, name in entries]
        git("read-tree", "--empty", cwd=worktree)
        _fill(worktree, [f"{mode} {oid} {stage}\t{path}" for mode, oid, stage, path in lines])
    else:
        git("read-tree", tree, cwd=worktree)
    if intended:
        given = "".join(f"{path}\0" for path in intended).encode("utf-8", "surrogateescape")
        how = ("--intent-to-add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
        git("--literal-pathspecs", "add", *how, cwd=worktree, stdin=given)
    git("update-index", "-q", "--refresh", cwd=worktree, ok=(0, 1))


def _staged(worktree: str, root: str) -> tuple[str, bool]:
    """Write the index as a tree, from a copy: git would modify the original."""
    own = os.path.join(root, "own")
    shutil.copyfile(os.path.join(git_dir_of(worktree) or "", "index"), own)
    env = {"GIT_INDEX_FILE": own}
    if not git("ls-files", "--unmerged", cwd=worktree, env=env).out:
        return git("write-tree", cwd=worktree, env=env).text, False
    fields = [f.partition("\t") for f in git("ls-files", "--stage", "-z", cwd=worktree, env=env).fields if f]
    env = {"GIT_INDEX_FILE": os.path.join(root, "stages")}
    lines = [(*what.split(), path) for what, _, path in fields]
    _fill(worktree, [f"{mode} {oid} 0\t{stage}/{path}" for mode, oid, stage, path in lines], env)
    return git("write-tree", "--missing-ok", cwd=worktree, env=env).text, True


def _fill(worktree: str, lines: Sequence[str], env: Mapping[str, str] | None = None) -> None:
    given = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
    git("update-index", "-z", "--index-info", cwd=worktree, env=env, stdin=given)


def _tree(worktree: str, head: str) -> str | None:
    return git("rev-parse", f"{head}^{{tree}}", cwd=worktree).text if head else None
