"""Keep all that an attempt's branch and worktree hold under the rescue refs, before they are removed."""

from __future__ import annotations

import os
from collections.abc import Sequence

from git_agent.actions.keep_ignored import keep_ignored
from git_agent.app import App
from git_agent.domain.gone import Gone
from git_agent.domain.task import Task
from git_agent.git import refs, rescues, strangers, worktrees
from git_agent.git.run import git
from git_agent.git.snapshot import Snapshot, snapshot
from git_agent.git.state import IGNORED, Change, ignored_directories
from git_agent.store.attempts import Attempt

_MOST = 1000  # names of ignored directories in an event


def keep_attempt(app: App, task: Task, attempt: Attempt, *, force: bool) -> Gone:
    """Keep an attempt's commits and files; return what will be gone, and where it is kept.

    force: the worktree may have uncommitted and untracked files, which become a commit.
    """
    branch, kept = app.repo.branch_oid(attempt.branch), list[str]()
    last = task.head_oid if attempt.number == task.attempt else None
    tip = branch or (app.repo.resolve(last) if last is not None else None)
    if tip is not None and tip != attempt.start_oid:
        kept.append(refs.keep(app.repo, task.id, tip))
    gone = Gone(attempt.number, attempt.branch, tip, bool(attempt.adopted), kept=tuple(kept))
    if attempt.worktree is None or strangers.is_gone(attempt.worktree):
        return gone
    return _with_worktree(app, task, attempt.worktree, gone, branch, force)


def _with_worktree(app: App, task: Task, path: str, gone: Gone, branch: str | None, force: bool) -> Gone:
    """A worktree may be on a detached HEAD or another branch; its commit is kept, too."""
    changes = app.repo.status(path, ignored=True)
    aside, kept = keep_ignored(app, task, path, changes), list(gone.kept)
    kept += [aside] if aside else []
    seen = worktrees.observe(app.repo, path)
    head = git("rev-parse", "--verify", "--quiet", "HEAD", cwd=path, ok=(0, 1)).text or None
    if head and head != branch:
        kept.append(refs.keep(app.repo, task.id, head))
    files = _files(app, task, path, changes) if force else None
    if files is not None:
        kept.append(refs.keep(app.repo, task.id, files.oid, refs.FILES))
    return Gone(
        gone.number,
        gone.branch,
        gone.tip,
        gone.adopted,
        worktree=path,
        head=seen.branch,
        head_oid=head,
        locked=seen.locked == worktrees.LOCK_REASON.format(task=task.id),
        files=files.oid if files else None,
        index=files.staged if files else None,
        stages=bool(files and files.stages),
        intended=tuple(c.path for c in changes if c.code == " A"),
        ignored=aside,
        unkept=tuple(ignored_directories(changes)[:_MOST]),
        kept=tuple(kept),
    )


def _files(app: App, task: Task, path: str, changes: Sequence[Change]) -> Snapshot | None:
    if all(c.code == IGNORED for c in changes):
        return None
    # What is ignored and was added by force is in nothing but the index yet.
    also = [c.path for c in changes if c.code[0] in "ARC" and os.path.lexists(os.path.join(path, c.path))]
    return snapshot(app.repo, path, f"{rescues.SNAPSHOT}{task.id}\n", also)
