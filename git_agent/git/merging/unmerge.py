"""Remove a merge from its base as if it had never landed, as long as nothing builds on it."""

from __future__ import annotations

import os
from collections.abc import Collection

from git_agent.git import refs
from git_agent.git.locks import landing_lock
from git_agent.git.merging.land import dirty, landing_place, named_in_the_way, require_kept
from git_agent.git.merging.unland import put_back
from git_agent.git.repo import HEADS, REMOTES, Repo
from git_agent.git.run import GitError
from git_agent.git.worktrees.registry import checkouts
from git_agent.record import Record


def standing_on(repo: Repo, oid: str, base: str, own: Collection[str]) -> list[str]:
    """Name the branches, tags, remote-tracking branches and detached checkouts that contain a commit.

    oid: the commit, a full oid.
    base: the branch that it was merged into, which does not count.
    own: the branches that were merged, which do not count either, here or on a remote: after a fast-forward base and
        branch are at one commit.
    Our own scratch checkouts do not count: the command that made one notices that the base moved, and starts over.
    """
    scratch = os.path.join(os.path.realpath(repo.common_dir), "git-agent", "scratch", "")
    mine = {HEADS + name for name in (base, *own)}
    found = [r for r in _containing(repo, oid) if r not in mine and not _is_pushed_own(r, own)]
    detached = [w for w in checkouts(repo) if w.detached and not (w.path or "").startswith(scratch)]
    return [r.removeprefix(HEADS).removeprefix("refs/") for r in found] + [
        f"the checkout {w.path}" for w in detached if repo.is_ancestor(oid, w.detached or "")
    ]


def _containing(repo: Repo, oid: str) -> list[str]:
    """List the branches and tags that contain a commit; where git can't read one, ask for each alone."""
    places, how = (HEADS, "refs/tags", REMOTES), ("for-each-ref", f"--contains={oid}", "--format=%(refname)")
    done = repo.git(*how, *places, ok=(0, 128))
    if done.status == 0:
        return done.text.splitlines()
    each = (repo.git(*how, ref, ok=(0, 128)).text for place in places for ref in repo.refs(place))
    return [ref for ref in each if ref]


def _is_pushed_own(ref: str, own: Collection[str]) -> bool:
    return ref.startswith(REMOTES) and ref.removeprefix(REMOTES).partition("/")[2] in own


class Rewritten(Record):
    """A commit that replaced another one. parents: full oids."""

    oid: str
    parents: tuple[str, ...]


def rewritten(repo: Repo, now: str, oid: str, old: str, tip: str) -> Rewritten | None:
    """Find the commit that replaced a merge in its base, after `commit --amend` or a rebase.

    now: where the base is.
    oid: the merge.
    old: what it was built on.
    tip: the branch that was merged. All are full oids.
    Returns a merge of tip, or a commit with the same files; None when there is none.
    """
    if repo.resolve(old) is None or not repo.is_ancestor(old, now):
        return None
    tree = repo.git("rev-parse", "--verify", "--quiet", f"{oid}^{{tree}}", ok=(0, 1, 128)).text.strip()
    listed = repo.git("log", "--first-parent", "--reverse", "--format=%H %T %P", f"{old}..{now}").text
    for line in listed.splitlines():
        found, files, *parents = line.split()
        if tip in parents[1:] or files == tree:
            return Rewritten(found, tuple(parents))
    return None


def withdraw(repo: Repo, base: str, oid: str, old: str, message: str, *, dry_run: bool = False) -> str | None:
    """Move branch base from oid back to old; return the worktree it is checked out in, or None.

    base: the branch.
    oid, old: full oids.
    message: the text for the reflog.
    dry_run: only check whether it is possible.
    Unrelated changes in a checkout stay, staged or not.
    Raises RefMoved when base is not at oid; AgentError (exit 3) checkout-dirty with the files in the way, and what
    landing_place raises. Nothing has changed then.
    """
    with landing_lock(repo):
        here, found = landing_place(repo, base)
        if found != oid:
            raise refs.RefMoved(HEADS + base, oid, found)
        if here is not None:
            repo.git_in(here, "update-index", "-q", "--refresh", ok=(0, 1))
            _read_tree(repo, here, oid, old, "--dry-run")
            require_kept(repo, here, oid, old)
        if dry_run:
            return here
        # The branch first: if we are killed before the files follow, `unland` repairs that.
        refs.update_ref(repo, HEADS + base, old, oid, message)
        if here is not None:
            _follow(repo, here, base, oid, old, message)
        return here


def _follow(repo: Repo, here: str, base: str, oid: str, old: str, message: str) -> None:
    try:
        _read_tree(repo, here, oid, old)
    except GitError as error:
        refs.update_ref(repo, HEADS + base, oid, old, message)
        raise put_back(repo, here, oid, old, error) from error
    except BaseException:
        refs.update_ref(repo, HEADS + base, oid, old, message)
        raise


def _read_tree(repo: Repo, here: str, oid: str, old: str, *how: str) -> None:
    # The reverse of what a fast-forward does to files and index; unlike `reset --keep` it leaves what is staged.
    try:
        repo.git_in(here, "read-tree", *how, "-m", "-u", oid, old)
    except GitError as error:
        names = named_in_the_way(error)
        files = tuple(name for name in names if os.path.lexists(os.path.join(here, name)))
        if not names:
            raise
        raise dirty(here, files or names) from error
