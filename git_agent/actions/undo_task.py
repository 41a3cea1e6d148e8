"""Undo what an operation did to one task: everything back in its place first, the base last, then the record."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace

from git_agent.actions.begin import begin
from git_agent.actions.bring_back import bring_back
from git_agent.actions.fence import fence
from git_agent.actions.plan_undo import Plan, plan_undo
from git_agent.actions.record_undo import record_undo
from git_agent.actions.under_way import under_way
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.assumed import Assumed
from git_agent.domain.event import Event
from git_agent.domain.gone import missing
from git_agent.domain.task import LIVE
from git_agent.errors import AgentError
from git_agent.git import disk, refs, withdrawal, worktrees
from git_agent.proc import processes
from git_agent.store import events, intents, namesakes, tasks


def undo_task(app: App, done: Sequence[Event], *, dry_run: bool = False, assumed: Assumed | None = None) -> list[str]:
    """Undo events of one task, given the oldest first; return a line for each thing that is there again.

    dry_run: only look; assumed: what would be undone before it. Raises AgentError: exit 3 when it can't be undone, with
    what helps; then nothing has changed.
    """
    with disk.explained():
        plan = plan_undo(app, done[0].task or 0, done, assumed or Assumed())
    if dry_run:
        return _lines(app, plan)
    with under_way(app):
        intent, lines = _begin(app, plan), list[str]()
        for gone, place in plan.returns:
            try:
                locked = gone.locked or plan.target in LIVE
                lines += bring_back(app, plan.task, gone, place, locked=locked)
            except AgentError as error:
                if error.code in ("ref-moved", "branch-clash"):
                    _disown(app, plan, intent, place.branch)
                raise
        for path in plan.locks:
            worktrees.lock(app.repo, path, worktrees.LOCK_REASON.format(task=plan.task.id))
        lines += _withdraw(app, plan)
        task = record_undo(app, plan.task.id, list(plan.events), intent)
    state = f"{task.state} {task.hold}" if task.hold else task.state
    return [*lines, *([f"{task.label} is {state} again"] if plan.target else [])]


def _begin(app: App, plan: Plan) -> int:
    owner, seqs = processes.myself(), [e.seq for e in plan.events]
    _ = app.speaker
    with app.store.transaction():
        now = tasks.get(plan.task.id)
        fence(app, now)
        if now.version != plan.task.version or len(events.numbered(seqs)) != len(seqs):
            raise tasks.stale(now)
        if plan.target is not None:
            namesakes.require(now.name, names.key(now.name), now.id)
        return begin(app, "undo", now.id, owner, plan.as_data())


def _disown(app: App, plan: Plan, intent: int, branch: str) -> None:
    """Somebody else made the branch since we looked: it is not ours to take back."""
    places = [asdict(replace(p, adopted=p.adopted or p.branch == branch)) for _, p in plan.returns]
    with app.store.transaction():
        intents.update(intent, {**plan.as_data(), "places": places})


def _withdraw(app: App, plan: Plan) -> list[str]:
    if plan.landed is None:
        return []
    base, oid, old = (plan.landed[name] for name in ("base", "oid", "old"))
    refs.keep(app.repo, plan.task.id, oid, "merge that was undone")
    where = withdrawal.withdraw(app.repo, base, oid, old, f"git-agent: undo the merge of task {plan.task.id}")
    return [f"{base} is back at {old[:12]}" + (f" (and in {where})" if where else "")]


def _lines(app: App, plan: Plan) -> list[str]:
    lines = [f"would bring back branch {p.branch} at {p.start_oid[:12]}" for _, p in plan.returns if not p.adopted]
    lines += [f"would bring back worktree {p.worktree}" for _, p in plan.returns if p.worktree]
    lines += [f"would not bring back: {what}" for g, _ in plan.returns for what in missing(g, os.path.isdir)]
    if plan.landed is not None:
        lines.append(f"would set {plan.landed['base']} back to {plan.landed['old'][:12]}")
    return [*lines, *([f"{plan.task.label} would be {plan.target} again"] if plan.target else [])]
