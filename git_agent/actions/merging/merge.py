"""Merge one approved task into its base, or record a merge that git can't prove."""

from __future__ import annotations

from git_agent.actions.lookup import unattended
from git_agent.actions.merging.land import Landed
from git_agent.actions.merging.rounds import How, merge_rounds
from git_agent.actions.transition import Transition, require_current, transition
from git_agent.actions.worktrees import unlock_worktrees
from git_agent.app import App
from git_agent.domain.queue import MergeStatus, Outcome
from git_agent.domain.task import Step, Task
from git_agent.errors import AgentError, Exit, refused
from git_agent.record import Record


class Merged(Record):
    """A task that was merged. landed: None when it was merged already, and for a dry run."""

    task: Task
    landed: Landed | None = None


def merge(
    app: App,
    task: Task,
    *,
    strategy: str | None = None,
    keep: bool = False,
    checked: bool = True,
    dry_run: bool = False,
    timeout_s: float | None = None,
) -> Merged:
    """Merge a task and retire its worktree and branch.

    strategy: merge, squash, rebase or ff; None means agent.mergeStrategy
    keep: whether worktree and branch stay
    checked: whether to run the check command first
    dry_run: compute only
    timeout_s: how long to wait for other merges, in seconds; None means forever
    It does not wait for the task's dependencies.
    Raises AgentError: exit 3 when the rules, a failing check or a dirty checkout of the base forbid it; exit 4 on a
    conflict (the task goes back to its worker); exit 6 when the base keeps moving or other merges take too long.
    """
    require_current(app, task)
    how = How(strategy or app.config.strategy, keep, checked, dry_run, waits=False, timeout_s=timeout_s)
    results = merge_rounds(app, [task.id], how)
    outcome = results.outcomes[task.id]
    if outcome.status is MergeStatus.MERGED:
        return Merged(app.store.tasks.get(task.id), results.landed.get(task.id))
    if outcome.status is MergeStatus.CONFLICT:
        raise _conflict(app, task, outcome, dry_run)
    if outcome.status is MergeStatus.CHECK_FAILED:
        raise _check_failed(task, outcome, dry_run)
    assert outcome.error is not None
    raise outcome.error


def _conflict(app: App, task: Task, outcome: Outcome, dry_run: bool) -> AgentError:
    nobody = None if dry_run else unattended(app, app.store.tasks.get(task.id))
    told = "" if dry_run else f"; it is WORKING again, and {nobody or 'its worker has a message'}"
    says = f"{task.label} conflicts with '{task.base}'{told}"
    return AgentError("conflict", says, outcome.hint, exit=Exit.CONFLICT, details=outcome.details)


def _check_failed(task: Task, outcome: Outcome, dry_run: bool) -> AgentError:
    hint = f"git agent merge {task.id} --no-check" if dry_run else outcome.hint
    log = (f"whole output: {outcome.log}",) if outcome.log else ()
    return refused("check-failed", f"cannot merge {task.label}: {outcome.why}", hint, (*outcome.details, *log))


def record_merge(app: App, task: Task, oid: str | None) -> Transition:
    """Mark a task COMPLETED because its work is already in the base.

    oid: the commit that contains the work; None means the base's tip
    Raises AgentError: exit 1 for an unknown commit, exit 3 for a commit that is not in the base.
    """
    tip = app.repo.branch_oid(task.base)
    found = app.repo.resolve(oid) if oid else tip
    if found is None or tip is None:
        raise AgentError("unknown-commit", f"there is no commit '{oid or task.base}'", f"git log {task.base}")
    if not app.repo.is_ancestor(found, tip):
        raise refused("not-in-base", f"{found[:12]} is not in '{task.base}'", f"git branch --contains {found[:12]}")
    head = app.repo.branch_oid(task.branch) if task.branch else None
    data = {"oid": found, "by": None, "said": True, "tip": head}
    taken = transition(
        app, task, Step.MERGED, data=data, merged_oid=found, merged_by=None, head_oid=head or task.head_oid
    )
    unlock_worktrees(app, taken.task)
    return taken
