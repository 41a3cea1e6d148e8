"""Remove the worktree and the branch of one attempt, after what they hold was backed up."""

from __future__ import annotations

from collections.abc import Callable

from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.domain.undo import Removed
from git_agent.git import refs
from git_agent.git.place import Checkout
from git_agent.git.worktrees.remove import remove_worktree
from git_agent.store.attempts import Attempt


def remove_attempt(
    app: App,
    task: Task,
    attempt: Attempt,
    gone: Removed,
    *,
    force: bool,
    examine: Callable[[Checkout], None] | None = None,
) -> bool:
    """Remove whatever is left of an attempt; return whether nothing is left of it that was made for it.

    gone: what was kept of it
    force: also remove uncommitted or untracked files
    examine: as for remove_worktree
    Raises AgentError (exit 3): for such files without force, for a late commit, and for a lock of somebody else's.
    """
    if attempt.worktree is not None:
        path, oid = attempt.worktree, gone.head_oid
        for line in remove_worktree(app.repo, path, task=task.id, head=oid, force=force, examine=examine):
            app.notice(f"{line}: git agent doctor")
    # Read again, since the worktree that is gone held it: it may have moved, or be checked out elsewhere by now.
    head = None if attempt.adopted else app.repo.head(attempt.branch)
    if head is None:
        return True
    if head.worktree is not None:  # deleting the branch would leave that worktree on an unborn one
        return False
    if head.oid != gone.tip:
        refs.keep_rescue(app.repo, task.id, head.oid)
    refs.delete_ref(app.repo, f"refs/heads/{attempt.branch}", head.oid)
    return True
