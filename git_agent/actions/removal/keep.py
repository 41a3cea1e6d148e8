"""Back up everything that an attempt's branch and worktree hold before they are removed."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Mapping, Sequence

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.domain.undo import Removed
from git_agent.errors import refused
from git_agent.git import refs, rescues
from git_agent.git.config import filter_drivers
from git_agent.git.place import CONTEXT_FILE, Checkout
from git_agent.git.worktree_state import IGNORED, UNREADABLE, StatusEntry, ignored_directories
from git_agent.git.worktrees import occupied, registry
from git_agent.git.worktrees.filtered import changed_by_filters, dropped_by_filters
from git_agent.git.worktrees.inside import nested_repositories
from git_agent.git.worktrees.remove import refuse_late
from git_agent.git.worktrees.snapshot import Snapshot, take_snapshot
from git_agent.record import Record
from git_agent.store import meta
from git_agent.store.attempts import Attempt

_MOST = 1000  # ignored directories that an event names


def back_up_attempt(
    app: App,
    task: Task,
    attempt: Attempt,
    there: rescues.TaskRefs,
    *,
    force: bool,
    changes: Sequence[StatusEntry] | None = None,
) -> Removed:
    """Back up an attempt's commits and files; return what will be removed, and where it is kept.

    there: the refs as they are; a commit that is made later is refused or kept when the worktree is removed
    force: whether the worktree may have uncommitted and untracked files, which are then saved as a commit
    changes: the worktree's status with ignored files, if it was just read; what comes later is for `keep_late`
    """
    branch, kept = there.heads.get(attempt.branch), list[str]()
    last = task.head_oid if attempt.number == task.attempt else None
    tip = branch or (app.repo.resolve(last) if last is not None else None)
    if tip is not None and (tip != attempt.start_oid or _is_only_there(app, attempt.branch, tip, there)):
        kept.append(refs.keep_rescue(app.repo, task.id, tip, known=there.rescued))
    gone = Removed(attempt.number, attempt.branch, tip, bool(attempt.adopted), kept=tuple(kept))
    if attempt.worktree is None or occupied.is_missing_or_empty(attempt.worktree):
        return gone
    if changes is None:
        changes = app.repo.status(attempt.worktree, ignored=True)
    return _with_worktree(app, task, attempt.worktree, gone, there.heads, force, changes)


def _is_only_there(app: App, branch: str, tip: str, there: rescues.TaskRefs) -> bool:
    """Tell whether nothing but its branch keeps a commit. Runs no git where another branch is at it."""
    if any(oid == tip for name, oid in there.heads.items() if name != branch):
        return False
    return bool(rescues.only_there(app.repo, {f"refs/heads/{branch}": tip}))


def _with_worktree(
    app: App,
    task: Task,
    path: str,
    gone: Removed,
    heads: Mapping[str, str],
    force: bool,
    changes: Sequence[StatusEntry],
) -> Removed:
    """Back up a worktree; if it is on a detached HEAD or another branch, that commit is kept as well.

    heads: where the branches are
    """
    branch = heads.get(gone.branch)
    kept, seen, here = list(gone.kept), registry.registration_at(app.repo, path), app.repo.checkout(path)
    if branch is not None and seen is not None and seen.branch == gone.branch:
        head: str | None = branch
    else:
        head = here.git("rev-parse", "--verify", "--quiet", "HEAD", ok=(0, 1)).text or None
    if head and head != branch:
        kept.append(refs.keep_rescue(app.repo, task.id, head))
    kept += rescues.keep_logged(app.repo, task.id, seen.git_dir, set(heads.values())) if seen else []
    files = _files(app, task, here, changes) if force else None
    if files is not None:
        kept.append(refs.keep_rescue(app.repo, task.id, files.oid, refs.FILES))
    raw = _not_given_back(app, here, files)
    aside = back_up_files(app, task, path, [*unique_ignored(app, path, changes).kept, *raw])
    kept += [aside] if aside else []
    return Removed(
        gone.number,
        gone.branch,
        gone.tip,
        gone.adopted,
        worktree=path,
        head=seen.branch if seen else None,
        head_oid=head,
        files=files.oid if files else None,
        index=files.staged if files else None,
        stages=bool(files and files.stages),
        intended=tuple(c.path for c in changes if c.code == " A"),
        ignored=aside,
        unkept=tuple(ignored_directories(changes)[:_MOST]),
        kept=tuple(kept),
    )


def keep_late(app: App, task: Task, gone: Removed, late: Checkout, *, force: bool) -> Removed:
    """Keep what was written after a worktree was backed up and before it was renamed aside.

    gone: what was kept before; late: the worktree where it is now
    force: as for back_up_attempt
    Returns what is kept now, in place of what was kept before: everything, not only what is new. Raises AgentError
    (exit 3) for what can't be kept, and without force for changes.
    """
    changes = refuse_late(late, gone.worktree or "", force=force)
    _refuse_unkept(app, late.path, changes)
    files, kept = _files(app, task, late, changes) if force else None, list(gone.kept)
    raw = _not_given_back(app, late, files)
    if files is not None:
        if gone.files is not None and _same(app, files, gone):
            files = Snapshot(gone.files, gone.index, gone.stages)
        else:
            kept.append(refs.keep_rescue(app.repo, task.id, files.oid, refs.FILES))
    names, aside = [*unique_ignored(app, late.path, changes).kept, *raw], gone.ignored
    if any(not _is_kept(aside, name, late.path) for name in names):
        aside = back_up_files(app, task, late.path, names)
        kept += [aside] if aside else []
    staged = (files.oid, files.staged, files.stages) if files else (None, None, False)
    return gone._replace(
        files=staged[0], index=staged[1], stages=staged[2], ignored=aside, kept=tuple(dict.fromkeys(kept))
    )


def _not_given_back(app: App, here: Checkout, files: Snapshot | None) -> list[str]:
    """List the files whose bytes neither a checkout nor the snapshot gives back."""
    changed = changed_by_filters(app.repo, here.path, files.oid) if files is not None else []
    return list(dict.fromkeys([*changed, *dropped_by_filters(app.repo, here, filter_drivers(app.config.git))]))


def _same(app: App, files: Snapshot, gone: Removed) -> bool:
    trees = app.repo.git("rev-parse", f"{files.oid}^{{tree}}", f"{gone.files}^{{tree}}").text.split()
    return trees[0] == trees[1] and (files.staged, files.stages) == (gone.index, gone.stages)


def _is_kept(aside: str | None, name: str, root: str) -> bool:
    here, there = os.path.join(root, name), os.path.join(aside or os.devnull, name)
    if os.path.islink(here) or os.path.islink(there):
        return os.path.islink(here) and os.path.islink(there) and os.readlink(here) == os.readlink(there)
    return os.path.isfile(there) and os.path.isfile(here) and filecmp.cmp(here, there, shallow=False)


def _refuse_unkept(app: App, path: str, changes: Sequence[StatusEntry]) -> None:
    own = nested_repositories(path, [c for c in changes if c.code != IGNORED], ())
    closed = [c.path for c in changes if c.code == UNREADABLE]
    left = [*own, *closed, *unique_ignored(app, path, changes).left]
    if left:
        says = "something was put into the worktree just now that can't be kept"
        raise refused("worktree-dirty", says, "move it away, then try again", tuple(left))


def _files(app: App, task: Task, here: Checkout, changes: Sequence[StatusEntry]) -> Snapshot | None:
    if all(c.code == IGNORED for c in changes):
        return None
    # An ignored file that was added by force exists only in the index so far.
    also = [c.path for c in changes if c.code[0] in "ARC" and os.path.lexists(os.path.join(here.path, c.path))]
    return take_snapshot(here, f"{rescues.SNAPSHOT}{task.id}\n", also)


def back_up_files(app: App, task: Task, worktree: str, names: Sequence[str]) -> str | None:
    """Link or copy files of a worktree into the store's directory; return where, None for none.

    names: relative to the worktree: ignored files, which may be secrets and do not become git objects; and files that
        git would not give back byte for byte
    Only this user can read the directory.
    """
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
        import shutil

        shutil.copy2(here, there, follow_symlinks=False)


_SIZE = 10 * 1024 * 1024  # bytes, for a file that can't be linked and has to be copied
_NUMBER = 50_000  # making this many links takes 0.8 s (measured)


class UniqueIgnored(Record):
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
    names = [n for n in ignored if n != CONTEXT_FILE and not _stands_elsewhere(worktree, main, n)]
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
