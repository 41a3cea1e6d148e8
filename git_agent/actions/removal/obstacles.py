"""List the obstacles to removing an attempt's worktree and branch."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Mapping, Sequence
from shlex import quote

from git_agent.actions.removal.keep import unique_ignored
from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, refused
from git_agent.git import history
from git_agent.git.config import runs_hook
from git_agent.git.place import place_fault
from git_agent.git.rescues import TaskRefs
from git_agent.git.run import GitError
from git_agent.git.sweeper import mounts_below
from git_agent.git.worktree_state import IGNORED, UNREADABLE, StatusEntry, end_of, ignored_directories, start_status
from git_agent.git.worktrees import index, inside, occupied, registry
from git_agent.git.worktrees.inside import changed_submodules, nested_repositories, unpushed_submodules
from git_agent.git.worktrees.occupied import processes_inside
from git_agent.record import Record
from git_agent.store.attempts import Attempt


class Blocker(Record):
    """A reason why a removal is refused.

    line: what blocks it
    overridable: whether a flag overrides it; no flag overrides a blocker whose content can't be kept
    hint: what to do about a blocker that no flag overrides
    """

    line: str
    overridable: bool = True
    hint: str = ""


class Obstacles(Record):
    """What a removal would lose or disturb.

    blockers: the reasons to refuse it; those that no flag overrides come first
    unkept: ignored directories, which do not block a removal and are deleted for good
    good: the last good commit of a branch that git can't read; --force sets the branch back to it
    changes: the worktree's status with ignored files; None where there is none
    """

    blockers: tuple[Blocker, ...]
    unkept: tuple[str, ...]
    good: str | None = None
    changes: Sequence[StatusEntry] | None = None


def obstacles(
    app: App, task: Task, attempt: Attempt, there: TaskRefs, *, force: bool, unmerged: bool, dry_run: bool = False
) -> Obstacles:
    """List what a removal would lose or disturb.

    there: the refs as they are
    force: ignore uncommitted, untracked and copied files, stashes and processes
    unmerged: ignore commits that are not in the base
    dry_run: do not write the worktree's index
    """
    heads = there.heads
    if force and (good := _last_good(app, task, attempt, heads)) is not None:
        return Obstacles((), (), good)
    try:
        return _obstacles(app, task, attempt, there, force, unmerged, dry_run)
    except GitError as error:  # it concerns this attempt only
        if (good := _last_good(app, task, attempt, heads)) is not None:
            tip = heads[attempt.branch][:12]
            says = f"unreadable: {attempt.branch} is at {tip}, which git can't read; its last good commit is {good}"
            return Obstacles((Blocker(says),), (), good)
        says = f"git can't examine {attempt.worktree or attempt.branch}: {error.message}"
        return Obstacles((_absolute(says, error.hint),), ())


def _obstacles(
    app: App, task: Task, attempt: Attempt, there: TaskRefs, force: bool, unmerged: bool, dry_run: bool
) -> Obstacles:
    # Checked before git runs: in a directory that is no worktree, git would find an enclosing repository, or none.
    if (strange := _stranger(app, attempt.worktree)) is not None:
        return Obstacles((strange,), ())
    path = (
        attempt.worktree
        if attempt.worktree is not None and not occupied.is_missing_or_empty(attempt.worktree)
        else None
    )
    seen = _examine(app, path, refresh=not dry_run) if path else _Seen([], [], index.Index([], []))
    blockers = [
        *_locked(app, task, attempt),
        *(_mounted(path) if path else []),
        *(_lent(app, path) if path else []),
        *(_not_kept(app, path, seen) if path else []),
        *_submodules(app, attempt),
    ]
    others = [] if force or not path else _in_worktree(app, path, seen)
    others += _stashed(app, attempt) if there.stashed and not force else []
    others += [] if unmerged else _commits(app, task, attempt, there.heads)
    lines = (*blockers, *(Blocker(line) for line in others))
    return Obstacles(lines, tuple(ignored_directories(seen.changes)), changes=seen.changes if path else None)


class _Seen(Record):
    """What is in a worktree: its status with ignored files, the processes in it, and its index."""

    changes: Sequence[StatusEntry]
    inside: Sequence[tuple[int, str]]
    held: index.Index


def _examine(app: App, path: str, *, refresh: bool) -> _Seen:
    # One status for all checks, since it dominates the time: 50 to 400 ms with 50,000 files. It refreshes the index for
    # the last one, after the worktree was renamed aside, unless somebody works there who might find the index locked.
    here, present = app.repo.checkout(path), processes_inside(path, exclude_ancestors=False)
    refresh = refresh and not present and not runs_hook(app.config.git, "post-index-change")
    status = start_status(here, refresh=refresh)
    try:
        held = index.read_index(here)  # meanwhile: with 20,000 files it takes 40 ms
    finally:
        changes = status()
    return _Seen(changes, present, held)


def _last_good(app: App, task: Task, attempt: Attempt, heads: Mapping[str, str]) -> str | None:
    """Return the last good commit of a branch that git can't read; None for any other branch."""
    from git_agent.git.damage import complaint, last_good

    tip, base = heads.get(attempt.branch), app.repo.branch_oid(task.base)
    if tip is None or complaint(app.repo, tip, base) is None:
        return None
    known = (task.head_oid if attempt.number == task.attempt else None, attempt.start_oid)
    return last_good(app.repo, attempt.branch, base, known)


def _absolute(line: str, hint: str) -> Blocker:
    return Blocker(line, overridable=False, hint=hint)


def _stranger(app: App, path: str | None) -> Blocker | None:
    if path is None or (found := occupied.occupant(app.repo, path)) is None:
        return _foreign(app, path)
    hint = f"mv {quote(path)} ELSEWHERE, then git agent clean"
    hint += "; or git worktree repair, if it is the worktree" if found.may_be_repaired else ""
    says = f"not the worktree that was made there, but {found.what}: {path} (move it away, then git agent clean)"
    return _absolute(says, hint)


def _foreign(app: App, path: str | None) -> Blocker | None:
    """Report a worktree in which git would work on another repository, or with a configuration of the worker's."""
    if path is None or occupied.is_missing_or_empty(path):
        return None
    why = place_fault(app.repo.common_dir, app.repo.main_worktree, path)
    return _absolute(f"git is not run in {path}: {why}", "git agent doctor") if why else None


def _locked(app: App, task: Task, attempt: Attempt) -> list[Blocker]:
    """A worktree that is locked for a reason other than ours must stay."""
    there = None if attempt.worktree is None else registry.registration_at(app.repo, attempt.worktree)
    found = None if there is None else there.locked
    if found in (None, registry.LOCK_REASON.format(task=task.id)):
        return []
    line = f"locked by somebody else: {attempt.worktree}" + (f": {found}" if found else "")
    return [_absolute(line, f"git worktree unlock {quote(attempt.worktree or '')}, if it may be removed")]


def _mounted(path: str) -> list[Blocker]:
    """Name what is mounted in a worktree: deleting the worktree would delete what is mounted."""
    root = os.path.realpath(path)
    return [
        _absolute(f"mounted inside: {os.path.relpath(each, root)}", f"umount {quote(each)}")
        for each in mounts_below(root)
    ]


def _lent(app: App, path: str) -> list[Blocker]:
    """Name the objects in a worktree that the repository needs."""
    root, away = os.path.realpath(path), quote(inside.alternates(app.repo))
    return [
        _absolute(
            f"the repository borrows objects from {os.path.relpath(each, root)}",
            f"git repack -a -d && mv {away} {away}.old",
        )
        for each in inside.lent_objects(app.repo, root)
    ]


def _not_kept(app: App, path: str, seen: _Seen) -> list[Blocker]:
    changes, held = seen.changes, seen.held
    own = nested_repositories(path, changes, held.links)
    hint = "make it readable for you, or move it away: {}"
    found = [
        _absolute(f"git can't read the directory {c.path}", hint.format(quote(os.path.join(path, c.path))))
        for c in changes
        if c.code == UNREADABLE
    ]
    found += [
        _absolute(f"a repository of its own: {name}", f"mv {quote(os.path.join(path, name))} ELSEWHERE") for name in own
    ]
    changed = changed_submodules(path, changes, held.links)
    hint = "commit and push there; or git worktree remove --force {}, if it may be lost"
    found += [
        _absolute(f"submodule {name} has changes that are not committed", hint.format(quote(path))) for name in changed
    ]
    for each in index.overlooked(app.repo, path, held.marked):
        hint = f"git -C {quote(path)} update-index {each.flag} -- {quote(each.path)}; then --force keeps it"
        found.append(_absolute(f"changed, but git ignores its changes: {each.path}", hint))
    left = unique_ignored(app, path, changes).left
    found += [
        _absolute(f"ignored, and too large to back up: {name}", f"mv {quote(os.path.join(path, name))} ELSEWHERE")
        for name in left
    ]
    busy = app.repo.in_progress(path)
    if busy:
        hint = f"finish it there, or git {end_of(busy, go_on=False)}"
        found.append(_absolute(f"in progress: a {busy} in {path}", hint))
    return found


def _submodules(app: App, attempt: Attempt) -> list[Blocker]:
    unpushed = unpushed_submodules(app.repo, attempt.admin) if attempt.admin else []
    hint = f"push there; or git worktree remove --force {quote(attempt.worktree or '')}, if it may be lost"
    return [_absolute(f"submodule {name} has commits that are on no remote", hint) for name in unpushed]


def _in_worktree(app: App, path: str, seen: _Seen) -> list[str]:
    lines = [f"uncommitted: {c.code} {c.path}" for c in seen.changes if c.code not in (IGNORED, UNREADABLE)]
    lines += [f"copied and changed since: {name}" for name in modified_copies(app, path, seen.changes)]
    return lines + [f"process inside: {pid} {command}" for pid, command in seen.inside]


def _stashed(app: App, attempt: Attempt) -> list[str]:
    return [f"stashed: {entry}" for entry in history.stashes(app.repo.git, attempt.branch)]


def _commits(app: App, task: Task, attempt: Attempt, heads: Mapping[str, str]) -> list[str]:
    tip, base = heads.get(attempt.branch), heads.get(task.base)
    if tip is None and attempt.number == task.attempt and task.head_oid:
        tip = app.repo.resolve(task.head_oid)  # the branch was deleted by hand: the store still knows its last commit
    if attempt.adopted or tip is None or tip == attempt.start_oid or _recorded(task, attempt, tip):
        return []
    if base is not None and app.repo.is_ancestor(tip, base):
        return []
    if base is None:
        return [f"unmerged: {attempt.branch} has commits, and its base '{task.base}' is gone"]
    number = app.repo.ahead_behind(tip, base)[0]
    return [f"unmerged: {attempt.branch} has commits that are not in '{task.base}' ({number})"]


def _recorded(task: Task, attempt: Attempt, tip: str) -> bool:
    """Tell whether the tip was recorded as merged; a squashed or rebased branch itself is never in the base."""
    return task.state is State.COMPLETED and attempt.number == task.attempt and tip == task.head_oid


def modified_copies(app: App, worktree: str, changes: Sequence[StatusEntry]) -> list[str]:
    """List a worktree's ignored files that exist in the main worktree with different content.

    changes: the worktree's status, including ignored files
    """
    main = app.repo.main_worktree
    if main is None:
        return []
    ignored = [c.path for c in changes if c.code == IGNORED]
    return [name for name in ignored if _differs(os.path.join(main, name), os.path.join(worktree, name))]


def _differs(original: str, copy: str) -> bool:
    if not os.path.isfile(original) or not os.path.isfile(copy) or os.path.islink(copy):
        return False
    return not filecmp.cmp(original, copy, shallow=False)


def removal_error(
    task: Task, found: Sequence[Obstacles], lines: tuple[str, ...], force: bool, unmerged: bool
) -> AgentError:
    """Return the error (exit 3) for a removal that has obstacles.

    found: the obstacles of each attempt
    lines: what they say
    force, unmerged: the flags that were given already
    """
    blocker = next((blocker for each in found for blocker in each.blockers if not blocker.overridable), None)
    if blocker is not None and blocker.line.startswith("locked"):
        says = f"cannot remove {task.label}: somebody locked its worktree"
        return refused("worktree-locked", says, blocker.hint, lines)
    says = f"cannot remove {task.label}: work would be lost"
    if blocker is not None:
        return refused("would-lose-work", says, blocker.hint, lines)
    unmerged = unmerged or any(line.startswith("unmerged") for line in lines)
    force = force or any(not line.startswith("unmerged") for line in lines)
    flags = " ".join(flag for flag, wanted in (("--force", force), ("--unmerged", unmerged)) if wanted)
    hint = f"git agent rm {task.id} {flags}; commits and files are kept under refs/git-agent/rescue/{task.id}/"
    return refused("would-lose-work", says, hint, lines)
