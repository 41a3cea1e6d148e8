"""Restore what an operation removed from a task: first files and branches, then the base, then the record."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from git_agent.actions.attempts.discard import discard_attempt
from git_agent.actions.attempts.provision import make_parents, provision
from git_agent.actions.lookup import unattended
from git_agent.actions.recovery.journal import record_intent, rollback_on_error
from git_agent.actions.removal.keep import back_up_attempt
from git_agent.actions.transition import require_current
from git_agent.actions.undo.plan import Plan, plan_undo
from git_agent.actions.undo.record import record_undo
from git_agent.actions.undo.rescue import kept_files
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.domain.event import Event
from git_agent.domain.recovery import StepProgress
from git_agent.domain.task import State, Task
from git_agent.domain.undo import Hypothetical, Removed, unrecoverable
from git_agent.errors import AgentError
from git_agent.git import refs, rescues
from git_agent.git.errors import explain_system_errors
from git_agent.git.merging import unmerge
from git_agent.git.merging.unland import unland
from git_agent.git.worktrees import registry
from git_agent.git.worktrees.add import add_worktree
from git_agent.git.worktrees.snapshot import restage
from git_agent.proc import processes
from git_agent.store import tasks
from git_agent.store.intents import Intent


def undo_task(
    app: App, done: Sequence[Event], *, dry_run: bool = False, assumed: Hypothetical | None = None
) -> list[str]:
    """Undo events of one task; return a line for each thing that is restored.

    done: the events, the oldest first
    dry_run: only report
    assumed: what would be undone first
    Raises AgentError: exit 3 when the events can't be undone, with a hint. Nothing has changed then.
    """
    with explain_system_errors():
        plan = plan_undo(app, done[0].task or 0, done, assumed or Hypothetical())
    if dry_run:
        return _lines(app, plan)
    with rollback_on_error(app):
        intent, lines = _begin(app, plan), list[str]()
        for gone, place in plan.returns:
            try:
                lines += bring_back(app, plan.task, gone, place)
            except AgentError as error:
                if error.code in ("ref-moved", "branch-clash"):
                    _disown(app, plan, intent, place.branch)
                raise
        _hold_handed_in(app, plan)
        for path in plan.locks:
            registry.lock_worktree(app.repo, path, registry.LOCK_REASON.format(task=plan.task.id))
        lines += _withdraw(app, plan)
        task = record_undo(app, plan.task.id, list(plan.events), intent)
    lines += [f"not restored: {what}" for what in plan.lost]
    state = f"{task.state} {task.hold}" if task.hold else task.state
    nobody = unattended(app, task)
    return [*lines, *([f"{task.label} is {state} again{f'; {nobody}' if nobody else ''}"] if plan.target else [])]


def _hold_handed_in(app: App, plan: Plan) -> None:
    """Keep what is in review again, as when it was handed in."""
    tip = app.repo.branch_oid(plan.task.branch or "")
    if plan.target in (State.IN_REVIEW, State.APPROVED) and tip is not None:
        rescues.keep_handed_in(app.repo, plan.task.id, tip)


def _begin(app: App, plan: Plan) -> int:
    owner, seqs = processes.myself(), [e.seq for e in plan.events]
    _ = app.speaker
    with app.store.transaction():
        now = app.store.tasks.get(plan.task.id)
        require_current(app, now)
        if now.version != plan.task.version or len(app.store.events.numbered(seqs)) != len(seqs):
            raise tasks.stale(now)
        if plan.target is not None:
            app.store.names.require(now.name, names.name_key(now.name), now.id)
        return record_intent(app, "undo", now.id, owner, plan.as_data())


def observe(app: App, intent: Intent) -> StepProgress:
    """Report whether the base no longer holds the merge that is being undone."""
    landed = intent.data["landed"]
    tip = app.repo.branch_oid(landed["base"]) if landed is not None else None
    return StepProgress(withdrawn=tip is not None and not app.repo.is_ancestor(landed["oid"], tip))


def finish(app: App, intent: Intent) -> None:
    """Update the checkout of a base that was moved back, and record the undo."""
    landed = intent.data["landed"]
    unland(app.repo, task=intent.task, base=landed["base"], new=landed["oid"], old=landed["old"])
    record_undo(app, intent.task, app.store.events.numbered(intent.data["events"]), intent.id)


def roll_back(app: App, intent: Intent) -> None:
    """Remove what was restored, unlock what was locked, and end the intent.

    What was restored is still kept under the rescue refs. Changes made there since are backed up first.
    """
    for place in (AttemptPlan(**each) for each in intent.data["places"]):
        seen = registry.registration_at(app.repo, place.worktree) if os.path.lexists(place.worktree) else None
        attempt = app.store.attempts.find(intent.task, place.number)
        if seen is not None and attempt is not None and not seen.half_made:
            task = app.store.tasks.get(intent.task)
            held = rescues.read_task_refs(app.repo, task.id)
            back_up_attempt(app, task, attempt._replace(worktree=place.worktree), held, force=True)
        discard_attempt(app, intent.task, place)
    for path in intent.data["locks"]:
        there = registry.registration_at(app.repo, path)
        if there is not None and there.locked == registry.LOCK_REASON.format(task=intent.task):
            registry.unlock_worktree(app.repo, path)
    with app.store.transaction():
        app.store.intents.end(intent.id)


def _disown(app: App, plan: Plan, intent: int, branch: str) -> None:
    """Record that somebody else made the branch in the meantime, so that a rollback does not delete it."""
    places = [p._replace(adopted=p.adopted or p.branch == branch)._asdict() for _, p in plan.returns]
    with app.store.transaction():
        app.store.intents.update(intent, {**plan.as_data(), "places": places})


def _withdraw(app: App, plan: Plan) -> list[str]:
    if plan.landed is None:
        return []
    base, oid, old = (plan.landed[name] for name in ("base", "oid", "old"))
    refs.keep_rescue(app.repo, plan.task.id, oid, "merge that was undone")
    where = unmerge.withdraw(app.repo, base, oid, old, f"git-agent: undo the merge of task {plan.task.id}")
    return [f"{base} is back at {old[:12]}" + (f" (and in {where})" if where else "")]


def _lines(app: App, plan: Plan) -> list[str]:
    lines = [f"would restore branch {p.branch} at {p.start_oid[:12]}" for _, p in plan.returns if not p.adopted]
    lines += [f"would restore worktree {p.worktree}" for _, p in plan.returns if p.worktree]
    lines += [f"would not restore: {what}" for g, _ in plan.returns for what in unrecoverable(g, os.path.isdir)]
    lines += [f"would not restore: {what}" for what in plan.lost]
    if plan.landed is not None:
        lines.append(f"would move {plan.landed['base']} back to {plan.landed['old'][:12]}")
    return [*lines, *([f"{plan.task.label} would be {plan.target} again"] if plan.target else [])]


def bring_back(app: App, task: Task, gone: Removed, place: AttemptPlan) -> list[str]:
    """Restore an attempt's branch and worktree as they were; return a line for each.

    gone: what was removed
    place: where to restore it
    Call this inside `rollback_on_error`.
    Raises RefMoved when somebody made the branch in the meantime, and whatever creating a worktree raises.
    """
    lines = []
    if not place.adopted:
        refs.create_branch(app.repo, place.branch, place.start_oid)
        lines.append(f"restored branch {place.branch} at {place.start_oid[:12]}")
    if not place.worktree:
        return lines
    add_worktree(
        app.repo,
        task=task.id,
        branch=place.branch,
        path=place.worktree,
        oid=place.start_oid,
        terminal=app.terminal,
    )
    provision(app, task, place)
    _switch(app, gone, place)
    if gone.files is not None:
        # Restore the whole tree, including deletions; the index is not part of it.
        app.repo.git_in(place.worktree, "restore", f"--source={gone.files}", "--worktree", "--", ":/")
    _restage(app, gone, place)
    ignored = _copy(gone.ignored, place.worktree) if gone.ignored else 0
    kinds = ((_changes(app, gone, place), "uncommitted"), (ignored, "ignored"))
    files = ", ".join(f"{number} {what} file{'s' * (number > 1)}" for number, what in kinds if number)
    lines.append(f"restored worktree {place.worktree}" + (f" ({files})" if files else ""))
    return [*lines, *(f"not restored: {what}" for what in unrecoverable(gone, os.path.isdir))]


def _switch(app: App, gone: Removed, place: AttemptPlan) -> None:
    """Restore HEAD: the worktree may have been on another branch, which may have moved since, or on a detached HEAD."""
    if gone.head == place.branch or gone.head_oid is None:
        return
    head = app.repo.head(gone.head) if gone.head else None
    if head is not None and head.oid == gone.head_oid and head.worktree is None:
        app.repo.git_in(place.worktree, "switch", "--quiet", head.branch)
    else:
        app.repo.git_in(place.worktree, "switch", "--quiet", "--detach", gone.head_oid)


def _restage(app: App, gone: Removed, place: AttemptPlan) -> None:
    if gone.index is not None or gone.intended:
        here = app.repo.checkout(place.worktree)
        restage(here, gone.index or "HEAD", stages=gone.stages, intended=gone.intended)


def _changes(app: App, gone: Removed, place: AttemptPlan) -> int:
    return len(app.repo.status(place.worktree)) if gone.files else 0


def _copy(source: str, target: str) -> int:
    number = 0
    for here in kept_files(source):
        name = os.path.relpath(here, source)
        there = os.path.join(target, name)
        make_parents(target, name)
        if os.path.isdir(there) and not os.path.islink(there):
            continue  # agent.setup made it again
        if os.path.islink(there) or (os.path.islink(here) and os.path.isfile(there)):
            os.unlink(there)
        shutil.copy2(here, there, follow_symlinks=False)
        number += 1
    return number
