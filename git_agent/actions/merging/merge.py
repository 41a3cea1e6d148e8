"""Merge one approved task into its base."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.merging.batch import not_landable
from git_agent.actions.merging.candidate import Candidate, candidate
from git_agent.actions.merging.check import run_check
from git_agent.actions.merging.hold import hold_check, hold_conflict
from git_agent.actions.merging.land import Landed, Link, land
from git_agent.actions.recovery.journal import under_way
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.gates import base_gone_error, check_hint, conflict_hint
from git_agent.domain.queue import check_commands
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, Exit, refused
from git_agent.git import refs
from git_agent.git.merging.land import require_landable
from git_agent.git.merging.rebase import Conflict
from git_agent.git.worktrees.preview import Preview

_TRIES = 4  # the base may move while a merge is computed; each try starts from where it is then


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
    run the check command first; dry_run: compute only. Raises AgentError: exit 3 when the rules or a dirty checkout of
    the base forbid it, exit 4 on a conflict (the task goes back to its worker), exit 6 when the base keeps moving.
    """
    require_current(app, task)
    for _ in range(_TRIES):
        # Again each time: a queue may have landed it while it was checked here.
        if (task := app.store.tasks.get(task.id)).state is State.COMPLETED:
            return Merged(task)
        try:
            with under_way(app):
                return _attempt(app, task, strategy or app.config.strategy, keep, checked, dry_run)
        except refs.RefMoved:
            app.sighted = None
    raise AgentError(
        "base-moves",
        f"'{task.base}' moved {_TRIES} times while {task.label} was merged",
        "try again",
        exit=Exit.BUSY,
    )


def _attempt(app: App, task: Task, strategy: str, keep: bool, checked: bool, dry_run: bool) -> Merged:
    heads = app.sighted_heads
    error = not_landable(app, task, heads.get(task.branch or ""))
    if error is not None:
        raise error
    base_oid, tip = heads.get(task.base), heads[task.branch or ""]
    if base_oid is None:
        raise base_gone_error(task)
    made = candidate(app, task, strategy, base_oid, tip)
    if isinstance(made, Conflict):
        raise _conflict(app, task, made, dry_run)
    if dry_run:
        require_landable(app.repo, task.base, made.oid, base_oid)
    log = check_merge(app, task, made, dry_run) if checked else None
    if dry_run:
        return Merged(task)
    landing = land(app, [Link(task, made)], keep=keep, log=log)
    if landing.changed:
        now = app.store.tasks.get(task.id)
        if now.state is State.COMPLETED:
            return Merged(now)
        raise landing.changed[0][1]
    return Merged(landing.landed[0].task, landing.landed[0])


def _conflict(app: App, task: Task, found: Conflict, dry_run: bool) -> AgentError:
    if not dry_run:
        hold_conflict(app, task, found)
    return AgentError(
        "conflict",
        f"{task.label} conflicts with '{task.base}'"
        + ("" if dry_run else "; it is WORKING again and its worker is told"),
        conflict_hint(task),
        exit=Exit.CONFLICT,
        details=found.paths,
    )


def check_merge(app: App, task: Task, made: Candidate, dry_run: bool) -> str | None:
    """Check a candidate in a scratch worktree with the task's or the repository's command; nothing without one.

    A failing check sends the task back to its worker (hold check_failed) with the last lines, unless dry_run. Returns
    the file with what it printed. Raises AgentError (exit 3), also when the checkout of the base would refuse it.
    """
    commands = check_commands([task], app.config.text("agent.check"))
    if not commands:
        return None
    require_landable(app.repo, task.base, made.oid, made.base_oid)  # nobody wants to hear it after an hour
    with Preview(app.repo) as preview:
        ran = run_check(app, preview.at(made.oid), commands, [task.id])
    if ran.passed:
        return ran.log
    if not dry_run:
        hold_check(app, task, ran)
    raise refused(
        "check-failed",
        f"cannot merge {task.label}: {ran.why}",
        f"git agent merge {task.id} --no-check" if dry_run else check_hint(task),
        ran.said,
    )
