"""Land a merge: move the branch, and bring its checkout along."""

from __future__ import annotations

import os
import re
import shlex

from git_agent.errors import AgentError, Exit, refused
from git_agent.git import refs
from git_agent.git.locks import landing_lock
from git_agent.git.merging.unland import put_back
from git_agent.git.repo import HEADS, Repo
from git_agent.git.run import GitError
from git_agent.git.worktree_state import ending_command
from git_agent.git.worktrees.registry import checkouts

# branch.<name>.mergeOptions and merge.autostash must not change what a fast-forward does. An ignored file (`.env`) may
# be the only copy: git would overwrite it silently.
# What git would verify here is our own commit, not the branch; actions/merging/conditions.py asks for the signature of
# the branch.
_PLAIN = (
    *("--ff-only", "--no-squash", "--commit", "--no-autostash", "--no-stat", "--no-overwrite-ignore", "--quiet"),
    "--no-verify-signatures",
)

# `git maintenance run --auto` would take 2 ms of each merge. Every commit of a worker in this repository runs it, too.
_NO_MAINTENANCE = ("-c", "maintenance.auto=false")

# When the ref update of a fast-forward is refused (vetoed by reference-transaction, or the ref has moved), git has
# written files and index already (measured): undo that.
_REF_REFUSED = ("hook", "update_ref failed", "cannot lock ref")

# After any other failure, such as that of a smudge filter or a full disk, some files are written or deleted.
_NOTHING_WRITTEN = ("would be overwritten by merge", "would lose untracked files", "index.lock", *_REF_REFUSED)

# What read-tree says before it writes anything, one line for each file. Other errors quote other things: a filter.
_NAMED = r"(?m)^(?:error|fatal): (?:Entry|Updating|Untracked working tree file) '(.+?)' |^\t(.+)$"


def land_commit(repo: Repo, base: str, new: str, old: str, message: str) -> str | None:
    """Move branch base from old to new; return the worktree it is checked out in, or None.

    base: the branch.
    new: a full oid that descends from old.
    old: where base is expected to be, a full oid.
    message: the text for the reflog.
    In a checkout this is a fast-forward merge, which keeps unrelated changes and runs post-merge; elsewhere a
    compare-and-swap.
    Raises RefMoved when base is not at old; AgentError (exit 3) checkout-dirty with the files in the way, checkout-busy
    when a rebase or merge is in progress, checked-out-twice, checkout-missing; GitError. Nothing has changed then,
    unless the code is HALF_WRITTEN.
    """
    with landing_lock(repo):
        return _land(repo, base, new, old, message)


def _land(repo: Repo, base: str, new: str, old: str, message: str) -> str | None:
    ref = HEADS + base
    here, found = landing_place(repo, base)
    if found != old:
        raise refs.RefMoved(ref, old, found)
    if here is None:
        refs.update_ref(repo, ref, new, old, message)
        return None
    _forward(repo, here, ref, new, old, message)
    return here


def require_landable(repo: Repo, base: str, new: str, old: str) -> None:
    """Raise the errors that land_commit would raise now, before long work starts. Takes the same arguments.

    Changes nothing and runs no hook.
    """
    here, _ = landing_place(repo, base)
    if here is None:
        return
    repo.git_in(here, "update-index", "-q", "--refresh", ok=(0, 1))
    try:
        repo.git_in(here, "read-tree", "-n", "-m", "-u", old, new)
    except GitError as error:
        if files := named_in_the_way(error):
            raise dirty(here, files) from error
        raise
    require_kept(repo, here, old, new)


def require_kept(repo: Repo, here: str, old: str, new: str) -> None:
    """Refuse (exit 3) when git would overwrite ignored files in a checkout.

    here: the checkout.
    old, new: full oids of the commits that it moves between.
    git regards ignored files as expendable; we do not.
    """
    added = repo.git("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--diff-filter=A", old, new).fields
    if files := tuple(name for name in added if name and _is_file(os.path.join(here, name))):
        says, hint = f"ignored files in {here} are in the way", "move them away; git would overwrite them"
        raise refused("checkout-dirty", says, hint, files)


def _is_file(path: str) -> bool:
    return os.path.islink(path) or (os.path.lexists(path) and not os.path.isdir(path))


def landing_place(repo: Repo, base: str) -> tuple[str | None, str | None]:
    """Return the worktree that a branch is checked out in, None when in none, and the commit that the branch is at.

    The commit is None when there is no such branch.
    Raises the AgentError (exit 3) of land_commit when nothing could land on the branch now.
    """
    if where := repo.rebasing(base):
        hint = ending_command(where, repo.in_progress(where))
        raise refused("checkout-busy", f"branch {base} is being rebased or bisected in {where}", hint)
    held = [each for each in checkouts(repo) if each.branch == base]
    present = {each.path: each.oid for each in held if each.path and os.path.isdir(each.path)}
    if len(present) > 1:
        first, second, *_ = paths = tuple(present)
        says = f"branch {base} is checked out in {first} and in {second}"
        raise refused("checked-out-twice", says, f"git -C {shlex.quote(second)} switch --detach", paths)
    for here, oid in present.items():
        if busy := repo.in_progress(here):
            says, hint = f"a {busy} is in progress in {here}", ending_command(here, busy)
            raise refused("checkout-busy", says, hint)
        return here, oid
    # Locked: its directory is only unmounted. Once back, it would look as if it reverted the merge.
    if away := next((each.path for each in held if each.locked is not None), None):
        says = f"branch {base} is checked out in {away}, which is missing"
        raise refused("checkout-missing", says, "git worktree unlock <path>, then git worktree prune")
    return None, repo.branch_oid(base)


def _forward(repo: Repo, here: str, ref: str, new: str, old: str, message: str) -> None:
    try:
        repo.git_in(here, *_NO_MAINTENANCE, "merge", *_PLAIN, new, env={"GIT_REFLOG_ACTION": message})
    except GitError as error:
        if any(words in error.stderr for words in _REF_REFUSED):
            repo.git_in(here, "read-tree", "-m", "-u", new, old, ok=(0, 1, 128))
        found = repo.branch_oid(ref.removeprefix(HEADS))
        if found not in (old, new):
            raise refs.RefMoved(ref, old, found) from error
        if found == old and not any(words in error.stderr for words in _NOTHING_WRITTEN):
            raise put_back(repo, here, old, new, error) from error
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


def named_in_the_way(error: GitError) -> tuple[str, ...]:
    """Return the files that read-tree refused to overwrite; () if it failed for another reason."""
    return tuple(dict.fromkeys(a or b for a, b in re.findall(_NAMED, error.stderr)))


def dirty(here: str, details: tuple[str, ...]) -> AgentError:
    """Make the error (exit 3) for files in a checkout that keep a branch from moving."""
    says = f"uncommitted changes in {here} are in the way"
    return refused("checkout-dirty", says, "commit them there, or git stash -u", details)
