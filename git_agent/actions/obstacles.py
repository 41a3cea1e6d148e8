"""What stands in the way of removing an attempt's worktree and branch."""

from __future__ import annotations

import os

from git_agent.actions.loose import loose
from git_agent.actions.precious import precious
from git_agent.app import App
from git_agent.domain.task import State, Task
from git_agent.git import submodules, worktrees
from git_agent.git.state import IGNORED
from git_agent.store.attempts import Attempt


def obstacles(app: App, task: Task, attempt: Attempt, *, force: bool, unmerged: bool) -> list[str]:
    """List what would be lost or disturbed, one line each.

    force: uncommitted, untracked and copied files, stashes and processes don't count; unmerged: nor do commits that
    are not in the base.
    """
    lines = _locked(app, task, attempt)
    lines += [] if force else [*_in_worktree(app, attempt), *_stashed(app, attempt)]
    if unmerged:
        return lines
    inside = submodules.unpushed(app.repo, attempt.admin) if attempt.admin else []
    own = [f"unmerged: submodule {name} has commits that are on no remote" for name in inside]
    return [*lines, *_commits(app, task, attempt), *own]


def _locked(app: App, task: Task, attempt: Attempt) -> list[str]:
    """Whoever locked a worktree for another reason than ours wants it to stay; no flag overrides that."""
    found = None if attempt.worktree is None else worktrees.observe(app.repo, attempt.worktree).locked
    ours = (None, worktrees.LOCK_REASON.format(task=task.id))
    return [] if found in ours else [f"locked by somebody else: {attempt.worktree}" + (f": {found}" if found else "")]


def _in_worktree(app: App, attempt: Attempt) -> list[str]:
    path = attempt.worktree
    if path is None or not os.path.isdir(path):
        return []
    # One look for all, since it takes as long as all the rest: 50 to 400 ms where there are 50,000 files.
    changes = app.repo.status(path, ignored=True)
    lines = [f"uncommitted: {c.code} {c.path}" for c in changes if c.code != IGNORED]
    busy = app.repo.in_progress(path)
    if busy:
        lines.append(f"in progress: a {busy} in {path}")
    lines += [f"copied and changed since: {name}" for name in precious(app, path, changes)]
    lines += [f"ignored, and too large to keep aside: {name}" for name in loose(app, path, changes).left]
    lines += [
        f"process inside: {pid} {command}" for pid, command in worktrees.inhabitants(path, exclude_ancestors=False)
    ]
    return lines


def _stashed(app: App, attempt: Attempt) -> list[str]:
    return [f"stashed: {entry}" for entry in app.repo.stashes(attempt.branch)]


def _commits(app: App, task: Task, attempt: Attempt) -> list[str]:
    tip = app.repo.branch_oid(attempt.branch)
    if tip is None and attempt.number == task.attempt and task.head_oid:
        tip = app.repo.resolve(task.head_oid)  # deleted by hand: the store still knows the last commit
    base = app.repo.branch_oid(task.base)
    if attempt.adopted or tip is None or tip == attempt.start_oid or _recorded(task, attempt, tip):
        return []
    if base is not None and app.repo.is_ancestor(tip, base):
        return []
    number = app.repo.ahead_behind(tip, base)[0] if base else 0
    return [f"unmerged: {attempt.branch} has commits that are not in '{task.base}' ({number})"]


def _recorded(task: Task, attempt: Attempt, tip: str) -> bool:
    """A squashed or rebased branch never is in the base; the store knows the tip that was merged."""
    return task.state is State.COMPLETED and attempt.number == task.attempt and tip == task.head_oid
