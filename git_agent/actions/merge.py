"""Merge an approved task into its base: computed beside every checkout, landed by compare-and-swap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from git_agent.actions.begin import begin
from git_agent.actions.candidate import Candidate, candidate
from git_agent.actions.check_merge import check_merge
from git_agent.actions.complete import complete
from git_agent.actions.fence import fence
from git_agent.actions.retire import Retired
from git_agent.actions.sync import sync
from git_agent.actions.take import take
from git_agent.actions.under_way import under_way
from git_agent.app import App
from git_agent.domain.landing import may_land
from git_agent.domain.message import Draft
from git_agent.domain.task import State, Step, Task, event_kind
from git_agent.errors import AgentError, Exit
from git_agent.git import merges, refs
from git_agent.proc import processes
from git_agent.store import events, intents, tasks

_TRIES = 4  # the base may move while a merge is computed; each try starts from where it is then


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged task. candidate: the commit that a dry run made; checkout: the worktree whose base was brought forward;
    retired: what was removed, if anything.
    """

    task: Task
    moved: bool
    candidate: str | None = None
    checkout: str | None = None
    retired: Retired | None = None


def merge(
    app: App,
    task: Task,
    *,
    strategy: str | None = None,
    keep: bool = False,
    checked: bool = True,
    dry_run: bool = False,
    onto: str | None = None,
) -> Merged:
    """Merge a task and retire its worktree and branch.

    strategy: merge, squash, rebase or ff (agent.mergeStrategy without it); keep: worktree and branch stay; checked:
    run the check command first; dry_run: compute only; onto: upon this commit instead of the base's tip. Raises
    AgentError: exit 3 when the rules or a dirty checkout of the base forbid it, exit 4 on a conflict (the task goes
    back to its worker), exit 6 when the base keeps moving.
    """
    fence(app, task)
    sync(app)
    task = tasks.get(task.id)
    if task.state is State.COMPLETED:
        return Merged(task, moved=False)
    for _ in range(_TRIES):
        try:
            with under_way(app):
                return _attempt(app, task, strategy or app.config.strategy, keep, checked, dry_run, onto)
        except refs.RefMoved:
            continue
    raise AgentError(
        "base-moves",
        f"'{task.base}' moved {_TRIES} times while {task.label} was merged",
        "try again",
        exit=Exit.BUSY,
    )


def _attempt(app: App, task: Task, strategy: str, keep: bool, checked: bool, dry_run: bool, onto: str | None) -> Merged:
    heads = app.heads
    error = may_land(task, heads.get(task.branch or ""), _lapsed(task))
    if error is not None:
        raise error
    base_oid, tip = onto or heads.get(task.base), heads[task.branch or ""]
    if base_oid is None:
        raise AgentError("unknown-base", f"the base '{task.base}' is gone", f"git agent edit {task.id} --base BRANCH")
    made = candidate(app, task, strategy, base_oid, tip)
    if isinstance(made, merges.Conflict):
        raise _conflict(app, task, made, dry_run)
    if checked:
        check_merge(app, task, made, dry_run)
    return Merged(task, moved=False, candidate=made.oid) if dry_run else _land(app, task, made, keep)


def _lapsed(task: Task) -> str | None:
    last = events.last_change(task.id)
    return last.data.get("reviewed_oid") if last is not None and last.kind == event_kind(Step.MOVED) else None


def _land(app: App, task: Task, made: Candidate, keep: bool) -> Merged:
    data: dict[str, Any] = {
        "base": task.base,
        "old": made.base_oid,
        "new": made.oid,
        "tip": made.tip,
        "by": made.strategy,
        "keep": keep,
    }
    owner, _ = processes.myself(), app.speaker  # asked of git before the transaction
    with app.store.transaction():
        now = tasks.get(task.id)
        fence(app, now)
        if now.version != task.version:
            raise tasks.stale(now)
        intent = begin(app, "merge", task.id, owner, data)
    try:
        where = merges.land(app.repo, task.base, made.oid, made.base_oid, f"git-agent: merge task {task.id}")
    except AgentError:
        if not _landed(app, task.base, made.oid):
            with app.store.transaction():
                intents.end(intent)  # git has refused and changed nothing: there is nothing to take back
            raise
        where = None
    retired = complete(app, task, intent, data)
    return Merged(tasks.get(task.id), moved=True, checkout=where, retired=retired)


def _landed(app: App, base: str, oid: str) -> bool:
    now = app.repo.branch_oid(base)
    return now is not None and app.repo.is_ancestor(oid, now)


def _conflict(app: App, task: Task, found: merges.Conflict, dry_run: bool) -> AgentError:
    if not dry_run:
        body = f"{task.label} conflicts with '{task.base}' in:\n" + "\n".join(found.paths)
        told = Draft(str(task.id), body, task.id, urgent=True, needs_ack=True)
        take(
            app,
            task,
            Step.CONFLICT,
            seen=task,
            drafts=(told,),
            data={"paths": list(found.paths)},
            reviewed_oid=None,
            reviewer=None,
            reason=f"conflicts with {task.base}: " + ", ".join(found.paths[:5]),
        )
    return AgentError(
        "conflict",
        f"{task.label} conflicts with '{task.base}'"
        + ("" if dry_run else "; it is WORKING again and its worker is told"),
        f"in {task.worktree}: git rebase {task.base} (or merge it), then git agent done",
        exit=Exit.CONFLICT,
        details=found.paths,
    )
