"""Discard the half-made worktree and branch of an attempt, but nothing that others created."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.git import rescues
from git_agent.git.worktrees import registry
from git_agent.git.worktrees.remove import discard_worktree


def discard_attempt(app: App, task: int, place: AttemptPlan) -> None:
    """Remove the worktree and branch of a planned attempt.

    The branch is removed only if it was created for the attempt and has no commits of its own. If nothing else holds
    the commit where it starts, that is kept.
    task: the number of the task.
    place: the plan of the attempt.
    """
    if place.worktree and _is_ours(app, task, place):
        discard_worktree(app.repo, place.worktree, task=task, finished=True)
    head = None if place.adopted else app.repo.head(place.branch)
    if head is not None and head.oid == place.start_oid and head.worktree is None:
        rescues.delete_branch(app.repo, task, place.branch, place.start_oid)


def _is_ours(app: App, task: int, place: AttemptPlan) -> bool:
    """Tell whether we created what is at the planned path.

    A directory or worktree that was there before is why creation failed; it must stay.
    """
    seen = registry.registration_at(app.repo, place.worktree)
    if seen is None:
        return registry.names_registration(app.repo, place.worktree)  # the directory outlived its registration
    ours = seen.locked == registry.LOCK_REASON.format(task=task) or seen.branch == place.branch
    return seen.half_made or ours
