"""What is wrong with tasks: rows against events, approvals, dependencies, leases, attempts, workers left running."""

from __future__ import annotations

import os
from collections.abc import Iterator

from git_agent.app import App
from git_agent.domain import soundness
from git_agent.domain.finding import Finding
from git_agent.domain.fold import fold
from git_agent.domain.task import LIVE, State
from git_agent.git import pathspecs
from git_agent.proc import processes
from git_agent.store import attempts, histories, intents, path_claims, sessions, tasks


def examine_tasks(app: App) -> list[Finding]:
    """Examine all tasks against the events of their whole life; nothing is changed.

    Everything else is asked of unfinished tasks and of attempts that were not removed.
    """
    heads, busy = app.heads, {intent.task for intent in intents.pending()}
    found = [*_histories(app), *_dependencies()]
    found += [each for row in histories.leased() if (each := soundness.lease(*row))]
    numbers = attempts.numbers()
    for task in tasks.unfinished():
        if task.id not in busy:
            there = numbers.get(task.id, ())
            tip = heads.get(task.branch or "")
            judged = (
                soundness.approval(task.id, task.state, task.reviewed_oid, tip),
                soundness.attempts(task.id, task.state, task.attempt, task.live, there),
            )
            found += [each for each in judged if each]
    return [*found, *_bare(app, set(heads), busy), *_left(), *_claims(app)]


def _histories(app: App) -> Iterator[Finding]:
    read = 0
    for ids in histories.portions():
        rows, changes = histories.rows(ids[0], ids[-1]), histories.changes(ids[0], ids[-1])
        lost = [task for task in ids if task not in rows]
        lost = sorted(set(lost) - histories.taken_back(lost)) if lost else []
        for row in rows.values():
            if found := soundness.against_events(row, fold(changes.get(row.task, ()))):
                yield found
        yield from (
            Finding("task-lost", f"task {task} has events, but is not there", task, f"task {task}") for task in lost
        )
        read += len(ids)
        app.progress(f"{read} tasks compared with their events")


def _dependencies() -> list[Finding]:
    edges, counts = histories.edges(), histories.counts()
    named = {task for edge in edges for task in edge}
    return soundness.dependencies(edges, histories.states(named), counts)


def _claims(app: App) -> Iterator[Finding]:
    for claim in path_claims.of_states(LIVE | {State.OPEN}):
        if why := pathspecs.unreadable(app.repo, claim.paths):
            yield Finding("claim-unreadable", f"task {claim.task}: {why}", claim.task, f"task {claim.task}")


def _bare(app: App, heads: set[str], busy: set[int]) -> Iterator[Finding]:
    """Of attempts that nobody works in: what a live task misses is told of its branch and worktree."""
    for each in attempts.standing():
        live = each.state in LIVE and each.number == each.attempt
        if live or each.task in busy or each.branch in heads or os.path.lexists(each.worktree):
            continue
        if not os.path.isdir(os.path.join(app.repo.common_dir, "worktrees", each.admin)):
            says = f"attempt {each.number} of task {each.task} has neither branch nor worktree any more"
            data = {"number": each.number, "worktree": each.worktree, "admin": each.admin}
            yield Finding("attempt-bare", says, each.task, f"attempt {each.task}.{each.number}", data=data)


def _left() -> Iterator[Finding]:
    dead = [session for session, owner in sessions.owners(os.uname().nodename) if processes.is_gone(owner)]
    for each in sessions.abandoned(dead) if dead else ():
        if each.child is not None and not processes.is_gone(each.child):
            says = f"task {each.task}: its supervisor, process {each.owner.pid}, died; process {each.child.pid} runs on"
            yield Finding("worker-left", says, each.task, f"session {each.id}")
