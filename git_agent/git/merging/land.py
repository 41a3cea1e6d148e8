"""Land a merge: move the branch, and never leave a checkout of it behind."""

from __future__ import annotations

import os
import re

from git_agent.errors import AgentError, Exit, refused
from git_agent.git import refs
from git_agent.git.locks import landing_lock
from git_agent.git.repo import HEADS, Repo
from git_agent.git.run import GitError, git
from git_agent.git.worktrees.registry import checkouts

# branch.<name>.mergeOptions and merge.autostash must not change what a fast-forward is. An ignored file
# (`.env`) may be the only one of its kind: git would overwrite it without a word.
_PLAIN = ("--ff-only", "--no-squash", "--commit", "--no-autostash", "--no-stat", "--no-overwrite-ignore", "--quiet")

# A fast-forward whose ref is refused (vetoed by reference-transaction, or moved by somebody else meanwhile) has written
# files and index already (measured): they are taken back.
_REF_REFUSED = ("hook", "update_ref failed", "cannot lock ref")

# "Entry 'a' not uptodate", "Untracked working tree file 'a' would be overwritten", a line for each.
_NAMED = re.compile(r"'(.*)'")


def land_commit(repo: Repo, base: str, new: str, old: str, message: str) -> str | None:
    """Move branch base from old to new (full oids); return the worktree it is checked out in, or None.

    new must descend from old.

    There it is a fast-forward merge, which keeps unrelated changes and runs post-merge; elsewhere a compare-and-swap.
    Raise RefMoved when base is not at old; AgentError (exit 3) checkout-dirty with the files in the way,
    checkout-busy when a rebase or merge is under way, checked-out-twice, checkout-missing. Then nothing has changed.
    """
    with landing_lock(repo):
        return _land(repo, base, new, old, message)


def _land(repo: Repo, base: str, new: str, old: str, message: str) -> str | None:
    ref = HEADS + base
    here = landing_place(repo, base)
    found = repo.branch_oid(base)
    if found != old:
        raise refs.RefMoved(ref, old, found)
    if here is None:
        refs.update_ref(repo, ref, new, old, message)
        return None
    _forward(repo, here, ref, new, old, message)
    return here


def require_landable(repo: Repo, base: str, new: str, old: str) -> None:
    """Refuse, before long work, what land would refuse if nothing changed until then; the same arguments and errors.

    Nothing is changed, and no hook is run.
    """
    here = landing_place(repo, base)
    if here is None:
        return
    git("update-index", "-q", "--refresh", cwd=here, ok=(0, 1))
    done = git("read-tree", "-n", "-m", "-u", old, new, cwd=here, ok=(0, 128))
    if done.status != 0:
        raise dirty(here, tuple(dict.fromkeys(_NAMED.findall(done.err))) or (done.err,))
    require_kept(here, old, new)


def require_kept(here: str, old: str, new: str) -> None:
    """Refuse (exit 3) where git would overwrite files of a checkout of old with those of new (full oids).

    They are ignored, so it counts them for nothing.
    """
    added = git("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", old, new, cwd=here).fields
    if files := tuple(name for name in added if name and _is_file(os.path.join(here, name))):
        says, hint = f"ignored files in {here} are in the way", "move them away; git counts them for nothing"
        raise refused("checkout-dirty", says, hint, files)


def _is_file(path: str) -> bool:
    return os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path))


def landing_place(repo: Repo, base: str) -> str | None:
    """Return the worktree that a branch is checked out in, None where it is in none.

    Raise AgentError (exit 3) as land does, where nothing at all could land on it now.
    """
    if where := repo.rebasing(base):
        raise refused("checkout-busy", f"branch {base} is being rebased or bisected in {where}", "finish that first")
    held = [each for each in checkouts(repo) if each.branch == base]
    present = [each.path for each in held if each.path and os.path.isdir(each.path)]
    if len(present) > 1:
        says = f"branch {base} is checked out in {present[0]} and in {present[1]}"
        raise refused("checked-out-twice", says, "switch one of them to another branch", tuple(present))
    if present:
        if busy := repo.in_progress(present[0]):
            raise refused("checkout-busy", f"a {busy} is under way in {present[0]}", f"finish the {busy} first")
        return present[0]
    # Locked: its directory is away, not gone, and would come back looking as if it took the merge back.
    if away := next((each.path for each in held if each.locked is not None), None):
        says = f"branch {base} is checked out in {away}, which is missing"
        raise refused("checkout-missing", says, "git worktree unlock <path>, then git worktree prune")
    return None


def _forward(repo: Repo, here: str, ref: str, new: str, old: str, message: str) -> None:
    try:
        git("merge", *_PLAIN, new, cwd=here, env={"GIT_REFLOG_ACTION": message})
    except GitError as error:
        if any(words in error.stderr for words in _REF_REFUSED):
            git("read-tree", "-m", "-u", new, old, cwd=here, ok=(0, 1, 128))
        found = repo.branch_oid(ref.removeprefix(HEADS))
        if found not in (old, new):
            raise refs.RefMoved(ref, old, found) from error
        raise _why(here, error) from error
    found = repo.branch_oid(ref.removeprefix(HEADS))
    if found != new:
        raise refs.RefMoved(ref, old, found)


def _why(here: str, error: GitError) -> AgentError:
    files = tuple(line.strip() for line in error.stderr.splitlines() if line.startswith("\t"))
    if "would be overwritten by merge" in error.stderr or "would lose untracked files" in error.stderr:
        return dirty(here, files or error.details)
    if "hook" in error.stderr or "update_ref failed" in error.stderr:
        return AgentError(
            "hook-refused", error.message, "see what the hook said", exit=Exit.REFUSED, details=error.details
        )
    return error


def dirty(here: str, details: tuple[str, ...]) -> AgentError:
    """Make the error (exit 3) of files in a checkout that a branch can't move over."""
    says = f"uncommitted changes in {here} are in the way"
    return refused("checkout-dirty", says, "commit them there, or git stash -u", details)
