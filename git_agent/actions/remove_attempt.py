"""Remove the worktree and branch of one attempt; what they hold is kept under the rescue refs first."""

from __future__ import annotations

import os

from git_agent.actions.keep_ignored import keep_ignored
from git_agent.actions.precious import precious
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.git import refs, worktrees
from git_agent.git.run import git
from git_agent.git.snapshot import snapshot
from git_agent.store.attempts import Attempt


def remove_attempt(app: App, task: Task, attempt: Attempt, *, force: bool) -> list[str]:
    """Remove what is still there of an attempt; return the refs and directories under which its work is kept.

    force: also with uncommitted, untracked and edited ignored files, which are kept as a commit. Raises AgentError
    (exit 3) for changes without it, and for a worktree that somebody else locked.
    """
    rescued: list[str] = []
    branch = app.repo.branch_oid(attempt.branch)
    last = branch or (task.head_oid if attempt.number == task.attempt else None)
    if last is not None and last != attempt.start_oid and app.repo.resolve(last) is not None:
        rescued.append(refs.keep(app.repo, task.id, last))
    if attempt.worktree is not None:
        rescued += _keep_worktree(app, task, attempt.worktree, branch, force)
        worktrees.remove(app.repo, attempt.worktree, task=task.id, force=force)
    if branch is not None and not attempt.adopted:
        _delete_branch(app, attempt.branch, branch)
    return rescued


def _keep_worktree(app: App, task: Task, path: str, branch: str | None, force: bool) -> list[str]:
    """A worktree may be on a detached HEAD or another branch; its commit is kept, too."""
    if not os.path.isdir(path):
        return []
    aside = keep_ignored(app, task, path)
    rescued = [aside] if aside else []
    head = git("rev-parse", "--verify", "--quiet", "HEAD", cwd=path, ok=(0, 1)).text
    if head and head != branch:
        rescued.append(refs.keep(app.repo, task.id, head))
    also = precious(app, path) if force else []
    kept = snapshot(app.repo, path, f"Uncommitted work of task {task.id}\n", also) if force else None
    return rescued if kept is None else [*rescued, refs.keep(app.repo, task.id, kept)]


def _delete_branch(app: App, name: str, oid: str) -> None:
    """A branch that a person checked out meanwhile stays: deleting it would leave that worktree unborn."""
    head = app.repo.head(name)
    if head is not None and head.worktree is None:
        refs.delete(app.repo, f"refs/heads/{name}", oid)
