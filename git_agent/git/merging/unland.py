"""Undo what a killed or failed fast-forward wrote into a checkout before the branch could move."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Sequence

from git_agent.errors import AgentError
from git_agent.git import refs
from git_agent.git.locks import landing_lock
from git_agent.git.repo import Repo
from git_agent.git.run import GitError
from git_agent.git.worktrees.registry import checkouts
from git_agent.git.worktrees.scratch import scratch

HALF_WRITTEN = "half-written"
_LEFT_OUT = "S"  # the tag of `git ls-files -t` for skip-worktree
_GIVEN = ("--pathspec-from-file=-", "--pathspec-file-nul")


def unland(repo: Repo, *, task: int, base: str, new: str, old: str) -> list[str]:
    """Restore the checkout of base to old, if base is still there; return the paths that were restored.

    task: the number of the task under whose rescue refs new is kept first.
    base: the branch.
    new, old: full oids: what the fast-forward moved to, and from.
    Only what git wrote is restored; whatever was written since stays.
    """
    with landing_lock(repo):
        return _unland(repo, task, base, new, old)


def _unland(repo: Repo, task: int, base: str, new: str, old: str) -> list[str]:
    here = next((w.path for w in checkouts(repo) if w.branch == base and w.path and os.path.isdir(w.path)), None)
    if here is None or repo.branch_oid(base) != old:
        return []
    written = _written(repo, here, old, new)
    if written:
        refs.keep_rescue(repo, task, new, "merge that was rolled back")
        _restore(repo, here, old, written)
    return written


def put_back(repo: Repo, here: str, old: str, new: str, error: GitError) -> AgentError:
    """Restore a checkout that git failed to move from old to new; return the error to raise.

    here: the checkout.
    old, new: full oids.
    error: what git said.
    The error has the code HALF_WRITTEN when the files can't be restored either: the disk is full, or a git that was
    killed left its lock behind.
    """
    try:
        if written := _written(repo, here, old, new):
            _restore(repo, here, old, written)
    except AgentError:
        says = f"{error.message}; some files in {here} are not as they were"
        return AgentError(HALF_WRITTEN, says, f"git -C {shlex.quote(here)} status", details=error.details)
    return error


def _written(repo: Repo, here: str, old: str, new: str) -> list[str]:
    """Return the paths that are exactly as in new, or missing: git deletes a file before it writes it (measured).

    git writes files, then the index, then the ref. Whatever was written since by others stays. What a sparse checkout
    leaves out is not written, and `git restore` fails for it.
    """
    listed = repo.git("diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new).fields
    tags = {field[2:]: field[0] for field in repo.git_in(here, "ls-files", "-t", "-z").fields if field}
    changed = [path for path in listed if path and tags.get(path) != _LEFT_OUT]
    missing = {path for path in changed if path in tags and not os.path.lexists(os.path.join(here, path))}
    unlike = _unlike(repo, here, new, changed) - missing
    return [path for path in changed if path not in unlike]


def _unlike(repo: Repo, here: str, tree: str, changed: Sequence[str]) -> set[str]:
    """Return the paths whose file differs from that in tree."""
    with scratch(repo) as root:
        os.mkdir(root, 0o700)
        env = {"GIT_INDEX_FILE": os.path.join(root, "index")}
        there = repo.checkout(here)
        there.git("read-tree", tree, env=env)
        there.git("update-index", "-q", "--refresh", env=env, ok=(0, 1))
        tracked = set(there.git("ls-files", "-z", env=env).fields)
        differing = set(there.git("diff-files", "-z", "--name-only", "--ignore-submodules=dirty", env=env).fields)
    surplus = {path for path in changed if path not in tracked and os.path.lexists(os.path.join(here, path))}
    return differing | surplus


def _restore(repo: Repo, here: str, old: str, paths: Sequence[str]) -> None:
    known = (repo.git_in(here, "ls-files", "-z"), repo.git("ls-tree", "-r", "-z", "--name-only", old))
    held = {path for done in known for path in done.fields}
    given = "".join(f"{path}\0" for path in paths if path in held).encode("utf-8", "surrogateescape")
    if given:
        how = (f"--source={old}", "--staged", "--worktree", *_GIVEN)
        repo.git_in(here, "--literal-pathspecs", "restore", *how, stdin=given, patient=False)
    for path in paths:
        if path not in held:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(here, path))
