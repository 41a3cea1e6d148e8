"""Remove the worktree and branch of one attempt, whose work is kept by now."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.gone import Gone
from git_agent.domain.task import Task
from git_agent.git import refs, worktrees
from git_agent.store.attempts import Attempt


def remove_attempt(app: App, task: Task, attempt: Attempt, gone: Gone, *, force: bool) -> None:
    """Remove what is still there of an attempt.

    gone: what was kept of it; force: also with uncommitted or untracked files. Raises AgentError (exit 3) for changes
    without it, for a commit that was made since, and for a worktree that somebody else locked.
    """
    if attempt.worktree is not None:
        worktrees.remove(app.repo, attempt.worktree, task=task.id, head=gone.head_oid, force=force)
    head = None if attempt.adopted else app.repo.head(attempt.branch)
    # A branch that a person checked out meanwhile stays: deleting it would leave that worktree unborn.
    if head is not None and head.worktree is None:
        if head.oid != gone.tip:
            refs.keep(app.repo, task.id, head.oid)
        refs.delete(app.repo, f"refs/heads/{attempt.branch}", head.oid)
