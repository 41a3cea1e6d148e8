"""Take a merge out of its base again, as if it had never landed: only while nothing stands on it."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from typing import NamedTuple

from git_agent.git import refs
from git_agent.git.locks import landing_lock
from git_agent.git.merging.land import dirty, landing_place, require_kept
from git_agent.git.repo import HEADS, REMOTES, Repo
from git_agent.git.run import GitError, git
from git_agent.git.worktrees.registry import checkouts

_NAMED = re.compile(r"^(?:error|fatal): .*?'([^']+)'|^\t(.+)$", re.MULTILINE)


def standing_on(repo: Repo, oid: str, base: str, own: Collection[str]) -> list[str]:
    """Name the branches, tags, remote-tracking branches and detached checkouts that hold a commit (full oid).

    base: the branch that it was merged into, which does not count; own: branches that were merged, which don't count
    either, here or on a remote (a fast-forward leaves base and branch at one commit). Nor does a checkout for a check
    of ours: whoever made it sees that the base moved, and begins again.
    """
    scratch = os.path.join(os.path.realpath(repo.common_dir), "git-agent", "scratch", "")
    listed = repo.git("for-each-ref", f"--contains={oid}", "--format=%(refname)", HEADS, "refs/tags", REMOTES).text
    mine = {HEADS + name for name in (base, *own)}
    found = [r for r in listed.splitlines() if r not in mine and not _is_pushed_own(r, own)]
    detached = [w for w in checkouts(repo) if w.detached and not (w.path or "").startswith(scratch)]
    return [r.removeprefix(HEADS).removeprefix("refs/") for r in found] + [
        f"the checkout {w.path}" for w in detached if repo.is_ancestor(oid, w.detached or "")
    ]


def _is_pushed_own(ref: str, own: Collection[str]) -> bool:
    return ref.startswith(REMOTES) and ref.removeprefix(REMOTES).partition("/")[2] in own


class Rewritten(NamedTuple):
    """A commit that stands where another one was. parents: full oids."""

    oid: str
    parents: tuple[str, ...]


def rewritten(repo: Repo, now: str, oid: str, old: str, tip: str) -> Rewritten | None:
    """Find what became of a merge that its base has no more: of `commit --amend`, or of a rebase.

    now: where the base is; oid: the merge; old: what it was built on; tip: the branch that was merged (full oids). It
    is a merge of tip, or has the same files.
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
    """Move branch base from oid back to old (full oids); return the worktree it is checked out in, or None.

    There unrelated changes stay, staged or not. dry_run: only look whether it can be done. Raise RefMoved when base is
    not at oid; AgentError (exit 3) checkout-dirty with the files in the way, and what `landing.land` raises. Then
    nothing has changed.
    """
    with landing_lock(repo):
        here, found = landing_place(repo, base), repo.branch_oid(base)
        if found != oid:
            raise refs.RefMoved(HEADS + base, oid, found)
        if here is not None:
            git("update-index", "-q", "--refresh", cwd=here, ok=(0, 1))
            _read_tree(here, oid, old, "--dry-run")
            require_kept(here, oid, old)
        if dry_run:
            return here
        # The branch first: a kill before the files follow leaves what `unland` mends.
        refs.update_ref(repo, HEADS + base, old, oid, message)
        if here is not None:
            _follow(repo, here, base, oid, old, message)
        return here


def _follow(repo: Repo, here: str, base: str, oid: str, old: str, message: str) -> None:
    try:
        _read_tree(here, oid, old)
    except BaseException:
        refs.update_ref(repo, HEADS + base, oid, old, message)
        raise


def _read_tree(here: str, oid: str, old: str, *how: str) -> None:
    # What a fast-forward does to files and index, the other way round: unlike `reset --keep` it leaves what is staged.
    try:
        git("read-tree", *how, "-m", "-u", oid, old, cwd=here)
    except GitError as error:
        names = [a or b for a, b in _NAMED.findall(error.stderr)]
        files = tuple(name for name in names if os.path.lexists(os.path.join(here, name)))
        if not names:
            raise
        raise dirty(here, files or tuple(names)) from error
