"""Retire a task's worktrees and branches, after their tips are saved under the rescue refs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from git_agent.actions.recovery.journal import new_operation, record_intent
from git_agent.actions.removal.attempt import remove_attempt
from git_agent.actions.removal.keep import back_up_attempt, keep_late
from git_agent.actions.removal.obstacles import Obstacles, obstacles, removal_error
from git_agent.app import App
from git_agent.domain.process_id import ProcessId
from git_agent.domain.recovery import StepProgress
from git_agent.domain.task import Task
from git_agent.domain.undo import Removed
from git_agent.errors import AgentError, Exit
from git_agent.git import rescues
from git_agent.git.place import Checkout
from git_agent.git.run import GitError
from git_agent.git.worktrees import registry
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.store.attempts import Attempt
from git_agent.store.intents import Intent

_LOOKS = 3


class Retired(Record):
    """What was removed, what stayed and why, the refs that keep commits, and ignored directories that are not kept."""

    worktrees: tuple[str, ...]
    branches: tuple[str, ...]
    kept: tuple[str, ...]
    rescued: tuple[str, ...]
    unkept: tuple[str, ...] = ()


def retire(
    app: App,
    task: Task,
    *,
    strict: bool = True,
    force: bool = False,
    unmerged: bool = False,
    dry_run: bool = False,
    operation: str | None = None,
    only: Sequence[int] | None = None,
    intent: int | None = None,
    begun: Mapping[str, Any] | None = None,
) -> Retired:
    """Remove every attempt's worktree and branch.

    strict: refuse the whole removal when there is an obstacle; otherwise leave that attempt and report it
    force: also remove worktrees with uncommitted or untracked files (kept as a commit)
    unmerged: also remove branches whose work is not in the base
    dry_run: only report
    operation: groups the removals that `undo` reverses together
    only: the numbers of the attempts to remove, of a task that goes on; `undo` does not bring them back
    intent, begun: this removal's intent and its data, if already written; call this inside `rollback_on_error` then
    Raises AgentError (exit 3) with the list of obstacles.
    """
    before = begun or {}
    only = before.get("only", only)
    present = [a for a in app.store.attempts.present(task.id) if only is None or a.number in only]
    if not present and intent is None:
        return Retired((), (), (), ())
    there = rescues.read_task_refs(app.repo, task.id)
    found = _examine(app, task, present, there, force=force, unmerged=unmerged, dry_run=dry_run)
    if force and not dry_run and any(each.good for each in found.values()):
        _set_back(app, present, found, there.heads)
        there = rescues.read_task_refs(app.repo, task.id)
        found = _examine(app, task, present, there, force=force, unmerged=unmerged, dry_run=dry_run)
    lines = tuple(blocker.line for each in found.values() for blocker in each.blockers)
    if strict and lines:
        raise removal_error(task, list(found.values()), lines, force, unmerged)
    going = [a for a in present if not found[a.number].blockers]
    plan = _plan(going, there.heads, found, lines)
    if dry_run or not (going or intent):
        return plan
    how = {"force": force, "unmerged": unmerged, "operation": before.get("operation") or operation or new_operation()}
    how |= {"only": only, "rest": intent is not None, "gone": before.get("gone", [])}
    data = {"attempts": [a.number for a in going], **how}
    if intent is None:
        intent = _announce(app, task, data)
    done = _remove_each(app, task, going, found, there, strict, intent, data)
    whole = only is None and len(done.gone) == len(present)
    rest = _drop_refs(app, task, there, done) if whole else []
    _record(app, task, [a for a in going if a.number in done.whole], done.gone, intent, data)
    rescued = tuple(dict.fromkeys([*(ref for g in done.gone for ref in g.kept), *rest]))
    left = _plan([a for a in going if a.number in done.stayed], there.heads, found, (*lines, *done.stayed.values()))
    return _without(plan, left)._replace(kept=left.kept, rescued=rescued)


def _examine(
    app: App, task: Task, present: Sequence[Attempt], there: rescues.TaskRefs, **flags: bool
) -> dict[int, Obstacles]:
    return {attempt.number: obstacles(app, task, attempt, there, **flags) for attempt in present}


def _drop_refs(app: App, task: Task, there: rescues.TaskRefs, done: _Done) -> list[str]:
    return rescues.drop_refs(app.repo, task.id, there.own, {g.tip for g in done.gone if g.tip and g.kept})


def _without(plan: Retired, left: Retired) -> Retired:
    worktrees = tuple(w for w in plan.worktrees if w not in left.worktrees)
    branches = tuple(b for b in plan.branches if b not in left.branches)
    return plan._replace(
        worktrees=worktrees, branches=branches, unkept=tuple(n for n in plan.unkept if n not in left.unkept)
    )


def _set_back(app: App, present: Sequence[Attempt], found: Mapping[int, Obstacles], before: Mapping[str, str]) -> None:
    """Set branches that git can't read back to their last good commits.

    before: where the branches are
    The files of their worktrees then count as uncommitted, and are kept.
    """
    from git_agent.git.damage import set_back

    for attempt in present:
        good = found[attempt.number].good
        if good is not None:
            set_back(app.repo, attempt.branch, good)
            app.notice(f"'{attempt.branch}' was at {before[attempt.branch]}, which git can't read: {good} is kept")


def _announce(app: App, task: Task, data: Mapping[str, Any]) -> int:
    owner = processes.myself()
    with app.store.transaction():
        return record_removal(app, task.id, owner, data)


def record_removal(app: App, task: int, owner: ProcessId, data: Mapping[str, Any]) -> int:
    """Write the intent of a removal, inside a transaction; return its id.

    data: the arguments of `retire`, or `after_merge`
    """
    return record_intent(app, "remove", task, owner, data)


def after_merge(operation: str) -> dict[str, Any]:
    """Make the data of the removal that follows a merge.

    operation: the merge's operation, since one `undo` reverses both
    """
    return {"attempts": [], "rest": True, "force": False, "unmerged": False, "gone": [], "operation": operation}


def observe(app: App, intent: Intent) -> StepProgress:
    """Report whether part of a removal is done; one that follows a merge counts as started."""
    started = intent.data["rest"] or any(_has_lost(app, intent.task, n) for n in intent.data["attempts"])
    return StepProgress(removed=started)


def _has_lost(app: App, task: int, number: int) -> bool:
    attempt = app.store.attempts.find(task, number)
    if attempt is None:
        return False
    if attempt.worktree is None:
        return not attempt.adopted and app.repo.branch_oid(attempt.branch) is None
    return not os.path.lexists(attempt.worktree)


def finish(app: App, intent: Intent) -> None:
    """Remove what is left, except what would lose work now."""
    task, data = app.store.tasks.get(intent.task), intent.data
    retire(app, task, strict=False, force=data["force"], unmerged=data["unmerged"], intent=intent.id, begun=data)


def roll_back(app: App, intent: Intent) -> None:
    """End the intent: nothing was removed."""
    with app.store.transaction():
        app.store.intents.end(intent.id)


class _Done(Record):
    """What was removed; the attempts of which nothing is left; and why other attempts stay. Attempts by number."""

    gone: list[Removed]
    whole: set[int]
    stayed: dict[int, str]


def _remove_each(
    app: App,
    task: Task,
    going: Sequence[Attempt],
    found: Mapping[int, Obstacles],
    there: rescues.TaskRefs,
    strict: bool,
    intent: int,
    data: dict[str, Any],
) -> _Done:
    """Remove attempts.

    An obstacle does not keep the removal open: one that waited for a person would never end.
    """
    done = _Done([], set(), {})
    for attempt in going:
        try:
            gone, whole = _remove(app, task, attempt, found[attempt.number], there, intent, data)
            done.gone.append(gone)
            done.whole.update([attempt.number] if whole else [])
        except AgentError as error:
            if strict or not _stands(app, attempt, error):
                raise
            done.stayed[attempt.number] = f"can't be removed: {error.message}"
    return done


def _stands(app: App, attempt: Attempt, error: AgentError) -> bool:
    """Tell whether a worktree can't be removed and nothing has changed; any other failure is tried again."""
    if attempt.worktree is None or not (
        error.exit is Exit.REFUSED or error.code == "cannot-remove" or isinstance(error, GitError)
    ):
        return False
    return os.path.lexists(attempt.worktree) and registry.registration_at(app.repo, attempt.worktree) is not None


def _remove(
    app: App,
    task: Task,
    attempt: Attempt,
    seen: Obstacles,
    there: rescues.TaskRefs,
    intent: int,
    data: dict[str, Any],
) -> tuple[Removed, bool]:
    """Remove an attempt; return what was removed, and whether nothing is left of it.

    What is kept is recorded before anything is removed, so that a crash loses no record of it.
    """
    gone = back_up_attempt(app, task, attempt, there, force=data["force"], changes=seen.changes)
    before = next((Removed.of_data(g) for g in data["gone"] if g["number"] == attempt.number), None)
    if before is not None:
        known = before if gone.worktree is None else gone
        gone = known._replace(kept=tuple(dict.fromkeys((*before.kept, *gone.kept))))
    _note(app, intent, data, gone)

    def examine(late: Checkout) -> None:
        nonlocal gone
        for _ in range(_LOOKS):  # a process inside may go on writing
            before, gone = gone, keep_late(app, task, gone, late, force=data["force"])
            if gone == before:
                break
            _note(app, intent, data, gone)

    whole = remove_attempt(app, task, attempt, gone, force=data["force"], examine=examine)
    return gone, whole


def _note(app: App, intent: int, data: dict[str, Any], gone: Removed) -> None:
    data["gone"] = [*(g for g in data["gone"] if g["number"] != gone.number), gone.as_data()]
    with app.store.transaction():
        app.store.intents.update(intent, data)


def _plan(
    going: Sequence[Attempt], heads: Mapping[str, str], found: Mapping[int, Obstacles], kept: tuple[str, ...]
) -> Retired:
    """Name only what still exists: a person may have removed part of it already."""
    return Retired(
        tuple(a.worktree for a in going if a.worktree and os.path.lexists(a.worktree)),
        tuple(a.branch for a in going if not a.adopted and a.branch in heads),
        kept,
        (),
        tuple(dict.fromkeys(name for a in going for name in found[a.number].unkept)),
    )


def _record(
    app: App, task: Task, gone: list[Attempt], taken: list[Removed], intent: int, how: Mapping[str, Any]
) -> None:
    numbers = [a.number for a in gone]
    rescued = list(dict.fromkeys(ref for g in taken for ref in g.kept))
    left = [g.as_data() for g in taken if g.number in numbers]
    actor = app.speaker.actor
    with app.store.transaction():
        for attempt in gone:
            app.store.attempts.remove(task.id, attempt.number)
            if attempt.number == task.attempt:
                app.store.tasks.put(task.id, worktree=None)
        if gone:
            data = {"attempts": numbers, "rescued": rescued, "gone": left}
            kind = "task.removed" if how["only"] is None else "task.attempts-removed"
            data |= {"operation": how["operation"]} if how["only"] is None else {}
            app.store.events.append(kind, actor, task=task.id, epoch=task.epoch, data=data)
        app.store.intents.end(intent)
