"""Remove worktrees, half-made or finished, but only our own."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Sequence

from git_agent.errors import AgentError, refused
from git_agent.git.discover import git_dir_of
from git_agent.git.locks import creation_lock
from git_agent.git.place import Checkout, renamed_checkout, require_registration
from git_agent.git.repo import Repo
from git_agent.git.run import GitError, git
from git_agent.git.sweeper import delete_tree, mounts_below
from git_agent.git.worktree_state import IGNORED, StatusEntry, in_progress, read_status
from git_agent.git.worktrees.registry import INITIALIZING, LOCK_REASON, Registration, real_path, registrations_at
from git_agent.git.worktrees.trash import delete_trash, moved_aside


def discard_worktree(repo: Repo, path: str, *, task: int, finished: bool = False) -> None:
    """Remove a worktree of ours that is half made or to be rolled back; a missing one is no error.

    task: the number in the reason of its lock.
    finished: also when it has changes, which a failed setup command made.
    Handles what kill -9 leaves: `locked` says initializing, an index.lock, no index, no .git file, two registrations.
    Raises AgentError (exit 3) for a lock that is not ours, for changes in a finished worktree, and for what is no
    worktree.
    """
    with creation_lock(repo):
        roll_back_worktree(repo, path, task=task, finished=finished)
        # Under the lock: otherwise another process could be about to create a worktree in it.
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(real_path(path)))


def roll_back_worktree(repo: Repo, path: str, *, task: int, finished: bool) -> None:
    """Do what discard_worktree does, under a lock that the caller holds."""
    real, found = real_path(path), registrations_at(repo, path)
    if not found and not os.path.lexists(real):
        return
    _refuse_foreign(found, real, task)
    _refuse_danger(repo, real, found)
    if not finished and found and not (found[0].half_made or len(found) > 1):
        _refuse_dirty(repo, real)
    _erase(repo, real, found)


def remove_worktree(
    repo: Repo,
    path: str,
    *,
    task: int,
    head: str | None,
    force: bool = False,
    examine: Callable[[Checkout], None] | None = None,
) -> list[str]:
    """Remove a worktree: rename it aside, look at it again, forget it, delete it. If it is gone, only forget it.

    task: the number in the reason of its lock.
    head: the full oid of its HEAD when the caller kept it, None for an unborn one.
    force: also with modified or untracked files, which the caller has kept, or with a rebase or merge in progress.
    examine: keeps or refuses what was written since the caller last looked; it gets the renamed directory. None:
        changes are refused without force.
    Returns a line for each directory that could not be deleted.
    Raises AgentError (exit 3) worktree-dirty with the list, worktree-moved when HEAD is elsewhere by now, or
    worktree-locked for a lock that is not ours.
    """
    with creation_lock(repo):
        real, found = real_path(path), registrations_at(repo, path)
        _refuse_foreign(found, real, task)
        with contextlib.suppress(OSError):
            os.rmdir(real)  # an empty directory has nothing to lose, and no HEAD to compare with
        if not found:
            if os.path.lexists(real):
                raise refused("not-a-worktree", f"{real} is not a worktree of this repository", "git worktree list")
            return []
        _refuse_danger(repo, real, found)
        if not force:
            _refuse_early(repo, real, found[0].git_dir)
        with moved_aside(repo, real) as there:
            if there:
                require_registration(found[0].git_dir)
                _refuse_late_commit(found[0].git_dir, there, real, head)
            _refuse_mounts(there, real)
            if there:
                late = renamed_checkout(there, found[0].git_dir)
                examine(late) if examine else refuse_late(late, real, force=force)
        _forget(repo, found)
    return delete_trash(repo)


def _erase(repo: Repo, real: str, found: Sequence[Registration]) -> None:
    with moved_aside(repo, real) as there:
        _refuse_mounts(there, real)
    _forget(repo, found)
    delete_trash(repo)


def _forget(repo: Repo, found: Sequence[Registration]) -> None:
    # What `git worktree remove` does; git itself refuses the half-made states that kill -9 leaves.
    for each in found:
        delete_tree(each.git_dir)
    with contextlib.suppress(OSError):
        os.rmdir(repo.admin_dir(""))


def _refuse_foreign(found: Sequence[Registration], real: str, task: int) -> None:
    for each in found:
        why = each.locked
        if why == "" and each.path is None:  # git was killed before it wrote the reason
            continue
        if why not in (None, INITIALIZING, LOCK_REASON.format(task=task)):
            says = f"worktree {real} is locked" + (f": {why}" if why else "")
            raise refused("worktree-locked", says, "git worktree unlock <path>, if it may go")


def _refuse_danger(repo: Repo, real: str, found: Sequence[Registration]) -> None:
    if not os.path.lexists(real):
        return
    if os.path.isdir(real) and not os.path.islink(real):
        _refuse_mounts(real, real)
    why = ""
    if os.path.islink(real) or not os.path.isdir(real):
        why = "is not a directory"
    elif real == repo.main_worktree or (repo.common_dir + "/").startswith(real + "/"):
        why = "contains the repository itself"
    elif {"objects", "refs"} <= set(os.listdir(real)):
        why = "looks like a repository"
    elif git_dir_of(real) not in {each.git_dir for each in found} and not _holds_nothing(real):
        why = "contains files, but is not our worktree"
    if why:
        raise refused("not-ours", f"{real} {why}; it is left unchanged", "git worktree list")


def _holds_nothing(real: str) -> bool:
    """Tell whether a directory is empty, or has only the empty .git file that a full disk leaves."""
    names = os.listdir(real)
    return not names or (names == [".git"] and os.lstat(os.path.join(real, ".git")).st_size == 0)


def _refuse_mounts(there: str, real: str) -> None:
    """Refuse to delete what is mounted. Once the directory was renamed aside, nothing more can be mounted in it.

    there: where it is now, "" for nowhere
    """
    if there and (mounted := mounts_below(there)):
        path = os.path.normpath(os.path.join(real, os.path.relpath(mounted[0], os.path.realpath(there))))
        raise refused("mounted-inside", f"something is mounted at {path}", f"umount {shlex.quote(path)}")


def _refuse_dirty(repo: Repo, real: str) -> None:
    if not os.path.isdir(real) or git_dir_of(real) is None:
        return
    try:
        lines = [f"{change.code} {change.path}" for change in repo.status(real)]
    except GitError as error:
        raise refused("worktree-unreadable", f"can't determine whether {real} is clean", error.message) from error
    if busy := in_progress(real):
        lines.append(f"a {busy} is in progress")
    if lines:
        raise _dirty(real, lines)


def _refuse_late_commit(admin: str, there: str, real: str, head: str | None) -> None:
    # From now on no process finds it: a commit that was made since the caller kept HEAD would be in no ref.
    now = git("rev-parse", "--verify", "--quiet", "HEAD", git_dir=admin, cwd=there, ok=(0, 1)).text or None
    if now != head:
        raise refused("worktree-moved", f"a commit was made in {real} just now", "it will be kept, if you try again")


def _refuse_early(repo: Repo, real: str, admin: str) -> None:
    """Refuse what the last check can't see: a rebase in progress, and changes in submodules."""
    if os.path.isdir(os.path.join(admin, "modules")) or in_progress(real):
        _refuse_dirty(repo, real)


def refuse_late(late: Checkout, real: str, *, force: bool) -> list[StatusEntry]:
    """Refuse changes that were made before a worktree was renamed aside, unless force; return its status.

    late: where it is now, where no process finds it; real: where it was
    """
    changes = read_status(late, True)
    lines = [f"{each.code} {each.path}" for each in changes if each.code != IGNORED]
    if lines and not force:
        raise _dirty(real, lines)
    return changes


def _dirty(real: str, lines: Sequence[str]) -> AgentError:
    return refused("worktree-dirty", f"worktree {real} has changes", "commit them, or use --force", tuple(lines))
