"""Merge one approved task into its base: a batch of one, and its outcome as an answer or an error."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.merging.land import Landed
from git_agent.actions.merging.rounds import How, merge_rounds
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.queue import MergeStatus, Outcome
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit, refused


@dataclass(frozen=True, slots=True)
class Merged:
    """A task that was merged. landed: None when that was so already, and for a dry run."""

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
) -> Merged:
    """Merge a task and retire its worktree and branch.

    strategy: merge, squash, rebase or ff (agent.mergeStrategy without it); keep: worktree and branch stay; checked:
    run the check command first; dry_run: compute only. It does not wait for the tasks that it depends on. Raises
    AgentError: exit 3 when the rules, a failing check or a dirty checkout of the base forbid it, exit 4 on a conflict
    (the task goes back to its worker), exit 6 when the base keeps moving.
    """
    require_current(app, task)
    how = How(strategy or app.config.strategy, keep, checked, dry_run, waits=False)
    results = merge_rounds(app, [task.id], how, {})
    outcome = results.outcomes[task.id]
    if outcome.status is MergeStatus.MERGED:
        return Merged(app.store.tasks.get(task.id), results.landed.get(task.id))
    if outcome.status is MergeStatus.CONFLICT:
        raise _conflict(task, outcome, dry_run)
    if outcome.status is MergeStatus.CHECK_FAILED:
        raise _check_failed(task, outcome, dry_run)
    assert outcome.error is not None
    raise outcome.error


def _conflict(task: Task, outcome: Outcome, dry_run: bool) -> AgentError:
    told = "" if dry_run else "; it is WORKING again and its worker is told"
    says = f"{task.label} conflicts with '{task.base}'{told}"
    return AgentError("conflict", says, outcome.helps, exit=Exit.CONFLICT, details=outcome.details)


def _check_failed(task: Task, outcome: Outcome, dry_run: bool) -> AgentError:
    hint = f"git agent merge {task.id} --no-check" if dry_run else outcome.helps
    log = (f"whole output: {outcome.log}",) if outcome.log else ()
    return refused("check-failed", f"cannot merge {task.label}: {outcome.why}", hint, (*outcome.details, *log))
