"""Examine and fix tasks: rows against their events, approvals, dependencies, leases and attempts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from git_agent.actions.doctor.fix import not_as_seen, record_fix
from git_agent.actions.transition import transition
from git_agent.app import App
from git_agent.domain import consistency
from git_agent.domain.consistency import RecordedTask, check_approval, check_lease, compare_with_events
from git_agent.domain.finding import Finding
from git_agent.domain.replay import replay
from git_agent.domain.speaker import GIT
from git_agent.domain.task import LIVE, State, Step
from git_agent.git import pathspecs
from git_agent.proc import processes
from git_agent.store import integrity


def examine_tasks(app: App) -> list[Finding]:
    """Compare all tasks with the events of their whole life, without changing anything.

    Other checks cover only unfinished tasks and attempts that were not removed.
    """
    heads, busy = app.heads, {intent.task for intent in app.store.intents.pending()}
    found = [*_histories(app), *_dependencies(app)]
    found += [each for row in app.store.audit.leased() if (each := consistency.check_lease(*row))]
    numbers, leased = app.store.attempts.numbers(), {task for task, _, _ in app.store.audit.leased()}
    unfinished = app.store.tasks.unfinished()
    over = app.store.sessions.over([task.id for task in unfinished])
    for task in unfinished:
        if task.id not in busy:
            there = numbers.get(task.id, ())
            tip = heads.get(task.branch or "")
            judged = (
                consistency.check_approval(task.id, task.state, task.reviewed_oid, tip),
                consistency.check_attempt(task.id, task.state, task.attempt, task.live, there),
                consistency.check_worker(
                    task.id, task.state, task.hold, attended=task.id in leased or task.id not in over
                ),
            )
            found += [each for each in judged if each]
    return [*found, *_bare(app, set(heads), busy), *_left(app), *_claims(app)]


def _histories(app: App) -> Iterator[Finding]:
    read = 0
    for ids in app.store.audit.portions():
        rows, changes = app.store.audit.rows(ids[0], ids[-1]), app.store.audit.changes(ids[0], ids[-1])
        lost = [task for task in ids if task not in rows]
        lost = sorted(set(lost) - app.store.audit.undone(lost)) if lost else []
        for row in rows.values():
            if found := consistency.compare_with_events(row, replay(changes.get(row.task, ()))):
                yield found
        yield from (
            Finding("task-lost", f"task {task} has events, but does not exist", task, f"task {task}") for task in lost
        )
        read += len(ids)
        app.progress(f"{read} tasks compared with their events")


def _dependencies(app: App) -> list[Finding]:
    edges, counts = app.store.audit.edges(), app.store.audit.counts()
    named = {task for edge in edges for task in edge}
    return consistency.check_dependencies(edges, app.store.audit.states(named), counts)


def _claims(app: App) -> Iterator[Finding]:
    for claim in app.store.path_claims.of_states(LIVE | {State.OPEN}):
        if why := pathspecs.unreadable(app.repo, claim.paths):
            yield Finding("claim-unreadable", f"task {claim.task}: {why}", claim.task, f"task {claim.task}")


def _bare(app: App, heads: set[str], busy: set[int]) -> Iterator[Finding]:
    """Find attempts that nobody works in and that have neither branch nor worktree; live tasks have other findings."""
    for each in app.store.attempts.standing():
        live = each.state in LIVE and each.number == each.attempt
        if live or each.task in busy or each.branch in heads or os.path.lexists(each.worktree):
            continue
        if not os.path.isdir(app.repo.admin_dir(each.admin)):
            says = f"attempt {each.number} of task {each.task} no longer has a branch or a worktree"
            data = {"number": each.number, "worktree": each.worktree, "admin": each.admin}
            yield Finding("attempt-bare", says, each.task, f"attempt {each.task}.{each.number}", data=data)


def _left(app: App) -> Iterator[Finding]:
    dead = [session for session, over, owner in app.store.sessions.owners() if app.is_gone(owner, over=over)]
    for each in app.store.sessions.abandoned(dead) if dead else ():
        if not app.is_gone(each.owner):
            says = f"task {each.task}: its supervisor, {processes.named(each.owner)}, has been silent for too long"
            yield Finding("worker-silent", says, each.task, f"session {each.id}")
        elif each.child is not None and not app.is_gone(each.child):
            says = (
                f"task {each.task}: its supervisor (process {each.owner.pid}) died; process {each.child.pid} still runs"
            )
            yield Finding("worker-left", says, each.task, f"session {each.id}")


def fix_tasks(app: App, finding: Finding) -> str:
    """Fix one finding, if it is found again; return what was done. Raises AgentError on failure.

    Each check and its fix share one transaction, so that nothing comes between them. Git is asked beforehand.
    """
    if finding.code in _OF_GIT and not _OF_GIT[finding.code](app, finding):
        raise not_as_seen()
    with app.store.transaction():
        return _FIXES[finding.code](app, finding)


def _state(app: App, finding: Finding) -> str:
    task = finding.task or 0
    was, wanted = (RecordedTask.of(task, *finding.data[name]) for name in ("row", "wanted"))
    now = compare_with_events(was, replay(app.store.audit.changes(task, task).get(task, ())))
    if (
        now is None
        or now.data.get("wanted") != finding.data["wanted"]
        or not app.store.audit.set_row(task, was, wanted)
    ):
        raise not_as_seen()
    before, after = ({"row": finding.data[name]} for name in ("row", "wanted"))
    return record_fix(app, finding, f"is {wanted.state} again, as its events say", before, after)


def _is_unbound(app: App, finding: Finding) -> bool:
    task = app.store.tasks.get(finding.task or 0)
    return check_approval(task.id, task.state, task.reviewed_oid, app.repo.branch_oid(task.branch or "")) is not None


def _approval(app: App, finding: Finding) -> str:
    """End an approval that syncing with git did not end, because the row was changed and not the branch."""
    task = app.store.tasks.get(finding.task or 0)
    if task.reviewed_oid != finding.data["reviewed"]:
        raise not_as_seen()
    moved = transition(app, task, Step.MOVED, seen=task, by=GIT, reviewed_oid=None, reviewer=None).task
    before = {"reviewed_oid": task.reviewed_oid, "reviewer": task.reviewer}
    return record_fix(app, finding, f"{moved.state} again", before, {"version": moved.version})


def _dependency(app: App, finding: Finding) -> str:
    task, parent = finding.task or 0, finding.data["parent"]
    values = {"task": task, "parent": parent}
    if app.store.tasks.find(parent) is not None or not app.store.integrity.delete(
        integrity.Dangling("task_dep", "task", values, ())
    ):
        raise not_as_seen()
    return record_fix(app, finding, "no longer waits for it", {"table": "task_dep", "values": values}, {})


def _count(app: App, finding: Finding) -> str:
    task, was, count = finding.task or 0, finding.data["was"], finding.data["count"]
    if len(app.store.tasks.blockers([task])[task]) != count or not app.store.audit.set_count(task, was, count):
        raise not_as_seen()
    return record_fix(app, finding, "counted again", {"count": was}, {"count": count})


def _lease(app: App, finding: Finding) -> str:
    task = finding.task or 0
    now = app.store.tasks.find(task)
    if now is None or check_lease(task, now.state, now.hold) is None or task not in app.store.leases.of([task]):
        raise not_as_seen()
    values = app.store.integrity.row("lease", task)
    app.store.integrity.delete(integrity.Dangling("lease", "task", values, ()))
    return record_fix(app, finding, "dropped", {"table": "lease", "values": values}, {})


def _is_bare(app: App, finding: Finding) -> bool:
    found = app.store.attempts.find(finding.task or 0, finding.data["number"])
    if found is None or found.worktree is None or found.admin is None:
        return False
    there = os.path.lexists(found.worktree) or os.path.isdir(app.repo.admin_dir(found.admin))
    return not there and app.repo.branch_oid(found.branch) is None


def _attempt(app: App, finding: Finding) -> str:
    task, number = finding.task or 0, finding.data["number"]
    found = app.store.attempts.find(task, number)
    if found is None or found.removed:
        raise not_as_seen()
    app.store.attempts.remove(task, number)
    before = {"number": number, "worktree": found.worktree, "admin": found.admin}
    return record_fix(app, finding, "recorded as removed", before, {"number": number})


def _lost(app: App, finding: Finding) -> str:
    task = finding.task or 0
    if app.store.tasks.find(task) is not None or app.store.audit.undone([task]):
        raise not_as_seen()
    return record_fix(app, finding, "recorded as lost; its events stay", {}, {"task": task})


_FIXES: Mapping[str, Callable[[App, Finding], str]] = {
    "state-differs": _state,
    "approval-unbound": _approval,
    "dependency-missing": _dependency,
    "dependency-count": _count,
    "lease-stray": _lease,
    "attempt-bare": _attempt,
    "task-lost": _lost,
}
_OF_GIT: Mapping[str, Callable[[App, Finding], bool]] = {"approval-unbound": _is_unbound, "attempt-bare": _is_bare}
