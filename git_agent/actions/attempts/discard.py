"""Discard an attempt's half-made worktree and branch, and nothing that anybody else put there."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.git import refs
from git_agent.git.worktrees import registry
from git_agent.git.worktrees.remove import discard_worktree


def discard_attempt(app: App, task: int, place: AttemptPlan) -> None:
    """Remove worktree and branch of a place; the branch only if it was made for it and holds no commit."""
    if place.worktree and _is_ours(app, task, place):
        discard_worktree(app.repo, place.worktree, task=task, finished=True)
    head = None if place.adopted else app.repo.head(place.branch)
    if head is not None and head.oid == place.start_oid and head.worktree is None:
        refs.delete_ref(app.repo, f"refs/heads/{place.branch}", place.start_oid)


def _is_ours(app: App, task: int, place: AttemptPlan) -> bool:
    """What stood there before, a directory or somebody's worktree, is why nothing was made: it stays as it is."""
    seen = registry.registration_at(app.repo, place.worktree)
    if seen is None:
        return registry.names_registration(app.repo, place.worktree)  # the registration is gone, the directory is not
    ours = seen.locked == registry.LOCK_REASON.format(task=task) or seen.branch == place.branch
    return seen.half_made or ours
