"""Back up everything that an attempt's branch and worktree hold before they are removed."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from git_agent import context
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.domain.undo import Removed
from git_agent.git import refs, rescues
from git_agent.git.run import git
from git_agent.git.worktree_state import IGNORED, StatusEntry, ignored_directories
from git_agent.git.worktrees import occupied, registry
from git_agent.git.worktrees.snapshot import Snapshot, take_snapshot
from git_agent.store import meta
from git_agent.store.attempts import Attempt

_MOST = 1000  # ignored directories that an event names


def back_up_attempt(app: App, task: Task, attempt: Attempt, *, force: bool) -> Removed:
    """Back up an attempt's commits and files; return what will be removed, and where it is kept.

    force: whether the worktree may have uncommitted and untracked files, which are then saved as a commit
    """
    branch, kept = app.repo.branch_oid(attempt.branch), list[str]()
    last = task.head_oid if attempt.number == task.attempt else None
    tip = branch or (app.repo.resolve(last) if last is not None else None)
    ref = f"refs/heads/{attempt.branch}"
    if tip is not None and (tip != attempt.start_oid or rescues.only_there(app.repo, {ref: tip})):
        kept.append(refs.keep_rescue(app.repo, task.id, tip))
    gone = Removed(attempt.number, attempt.branch, tip, bool(attempt.adopted), kept=tuple(kept))
    if attempt.worktree is None or occupied.is_missing_or_empty(attempt.worktree):
        return gone
    return _with_worktree(app, task, attempt.worktree, gone, branch, force)


def _with_worktree(app: App, task: Task, path: str, gone: Removed, branch: str | None, force: bool) -> Removed:
    """Back up a worktree; if it is on a detached HEAD or another branch, that commit is kept as well."""
    changes = app.repo.status(path, ignored=True)
    aside, kept = back_up_ignored(app, task, path, changes), list(gone.kept)
    kept += [aside] if aside else []
    seen = registry.registration_at(app.repo, path)
    head = git("rev-parse", "--verify", "--quiet", "HEAD", cwd=path, ok=(0, 1)).text or None
    if head and head != branch:
        kept.append(refs.keep_rescue(app.repo, task.id, head))
    files = _files(app, task, path, changes) if force else None
    if files is not None:
        kept.append(refs.keep_rescue(app.repo, task.id, files.oid, refs.FILES))
    return Removed(
        gone.number,
        gone.branch,
        gone.tip,
        gone.adopted,
        worktree=path,
        head=seen.branch if seen else None,
        head_oid=head,
        locked=seen is not None and seen.locked == registry.LOCK_REASON.format(task=task.id),
        files=files.oid if files else None,
        index=files.staged if files else None,
        stages=bool(files and files.stages),
        intended=tuple(c.path for c in changes if c.code == " A"),
        ignored=aside,
        unkept=tuple(ignored_directories(changes)[:_MOST]),
        kept=tuple(kept),
    )


def _files(app: App, task: Task, path: str, changes: Sequence[StatusEntry]) -> Snapshot | None:
    if all(c.code == IGNORED for c in changes):
        return None
    # An ignored file that was added by force exists only in the index so far.
    also = [c.path for c in changes if c.code[0] in "ARC" and os.path.lexists(os.path.join(path, c.path))]
    return take_snapshot(app.repo, path, f"{rescues.SNAPSHOT}{task.id}\n", also)


def back_up_ignored(app: App, task: Task, worktree: str, changes: Sequence[StatusEntry]) -> str | None:
    """Link or copy a worktree's unique ignored files into the store's directory; return where, None if there are none.

    changes: the worktree's status, including ignored files
    The files may be secrets, so they do not become git objects. Only this user can read the directory.
    """
    names = unique_ignored(app, worktree, changes).kept
    if not names:
        return None
    kept = _made(app, task.id)
    for name in names:
        there = os.path.join(kept, name)
        os.makedirs(os.path.dirname(there), mode=0o700, exist_ok=True)
        _keep(os.path.join(worktree, name), there)
    return kept


def _made(app: App, task: int) -> str:
    """Make a directory whose number was never used, so that an older removal does not mistake its files for its own."""
    home, fact = os.path.join(app.store_dir, "kept", str(task)), f"{meta.KEPT}{task}"
    os.makedirs(home, mode=0o700, exist_ok=True)
    there = max((int(name) for name in os.listdir(home) if name.isdecimal()), default=0)
    with app.store.transaction():
        number = max(int(app.store.meta.get(fact) or 0), there) + 1
        app.store.meta.put(fact, str(number))
    path = os.path.join(home, str(number))
    os.mkdir(path, 0o700)
    return path


def _keep(here: str, there: str) -> None:
    """Link the file if possible: a link takes no space, and the old name is removed with the worktree."""
    try:
        os.link(here, there, follow_symlinks=False)
    except OSError:
        shutil.copy2(here, there, follow_symlinks=False)


_SIZE = 10 * 1024 * 1024  # bytes, for a file that can't be linked and has to be copied
_NUMBER = 50_000  # making this many links takes 0.8 s (measured)


@dataclass(frozen=True, slots=True)
class UniqueIgnored:
    """Individual ignored files: those that can be backed up, and those that are too large or too many."""

    kept: tuple[str, ...]
    left: tuple[str, ...]


def unique_ignored(app: App, worktree: str, changes: Sequence[StatusEntry]) -> UniqueIgnored:
    """List the individual ignored files and links of a worktree that the main worktree does not have.

    changes: the worktree's status, including ignored files
    Ignored directories (builds, dependencies, caches) are not searched: they can be made again.
    """
    ignored = [c.path for c in changes if c.code == IGNORED and not c.path.endswith("/")]
    main = app.repo.main_worktree
    names = [n for n in ignored if n != context.FILE and not _stands_elsewhere(worktree, main, n)]
    kept = [n for n in names if _can_keep(app, os.path.join(worktree, n))][:_NUMBER]
    return UniqueIgnored(tuple(kept), tuple(n for n in names if n not in set(kept)))


def _can_keep(app: App, path: str) -> bool:
    """Tell whether a file can be linked into the store's directory, or is small enough to be copied there.

    Only trying shows it: it may be on another file system, have another owner (fs.protected_hardlinks), or be on a file
    system without links.
    """
    if os.lstat(path).st_size <= _SIZE:
        return True
    trial = os.path.join(app.store_dir, f".link-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        os.link(path, trial, follow_symlinks=False)
        os.unlink(trial)
    except OSError:
        return False
    return True


def _stands_elsewhere(worktree: str, main: str | None, name: str) -> bool:
    here, there = os.path.join(worktree, name), os.path.join(main or os.devnull, name)
    if os.path.islink(here):
        # Either made by agent.link, or the same link.
        alike = os.path.islink(there) and os.readlink(here) == os.readlink(there)
        return alike or (os.path.exists(there) and os.path.realpath(here) == os.path.realpath(there))
    if not os.path.isfile(here):
        return True  # it has disappeared since
    return os.path.isfile(there) and not os.path.islink(there) and filecmp.cmp(there, here, shallow=False)
