"""Discard attempts that hold nothing: half-made ones, and earlier ones without commits."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.actions.recovery.journal import rollback_on_error
from git_agent.actions.removal.retire import retire
from git_agent.app import App
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.git import rescues
from git_agent.git.worktrees import registry
from git_agent.git.worktrees.remove import discard_worktree
from git_agent.store.attempts import Attempt


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


_MAY_COME_BACK = ("task.reassigned", "task.reaped")


def discard_empty(app: App, task: Task) -> None:
    """Remove the earlier attempts of a task that have no commits of their own and nothing that `rm` would refuse.

    The attempt before stays if its worker did not give it up: that worker may come back, and learns there that it was
    superseded. So does one whose command may still run. A failure is only reported: the new attempt is complete.
    """
    earlier = [a for a in app.store.attempts.present(task.id) if a.number < task.attempt]
    heads = app.heads if earlier else {}  # read again: the worker before may have committed meanwhile
    empty = [a for a in earlier if _is_empty(a, heads)]
    if not empty:
        return
    running = {session.attempt for session in app.store.sessions.unended(task.id)}
    going = [a.number for a in empty if a.number not in running and not _may_come_back(app, task, a)]
    try:
        with rollback_on_error(app):
            gone = retire(app, task, strict=False, only=going) if going else None
    except AgentError as error:
        app.notice(f"an earlier attempt without commits could not be removed: {error.message}; git agent doctor")
        return
    for path in gone.worktrees if gone else ():
        app.notice(f"an earlier attempt had no commits, so its worktree was removed: {path}")


def _is_empty(attempt: Attempt, heads: Mapping[str, str]) -> bool:
    return heads.get(attempt.branch) == attempt.start_oid


def _may_come_back(app: App, task: Task, attempt: Attempt) -> bool:
    ended = app.store.events.superseding(task.id, attempt.epoch) if attempt.number == task.attempt - 1 else None
    return ended is not None and ended.kind in _MAY_COME_BACK
