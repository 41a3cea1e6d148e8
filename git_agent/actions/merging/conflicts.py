"""Predict conflicts: which live branches conflict with the base and each other, and the best order to merge them."""

from __future__ import annotations

from collections.abc import Sequence

from git_agent.actions.merging.forecast import Foreseen, foresee
from git_agent.actions.path_claims.outside import Outside, outside
from git_agent.actions.path_claims.overlaps import Overlap, overlaps
from git_agent.actions.reconcile.damage import is_damaged
from git_agent.app import App
from git_agent.domain.queue import sequence
from git_agent.domain.task import LIVE, State, Task
from git_agent.errors import refused
from git_agent.git.run import GitError
from git_agent.record import Record

_DAMAGED = "git can't read its branch or its base"


class Clash(Record):
    """Two tasks whose branches conflict, the lower id first.

    other: None when the conflict is with the base
    paths: empty when the histories have nothing in common
    """

    task: int
    other: int | None
    paths: tuple[str, ...]


class Conflicts(Record):
    """The predicted conflicts.

    tasks: the tasks whose branches were merged, by id
    order: all of them, in the order in which to merge them
    claims: overlapping claims of live and OPEN tasks, the lower id first
    outside: changes that branches made outside their claims
    of: the task that clashes, claims and outside are limited to, None for all
    """

    tasks: tuple[Task, ...]
    clashes: tuple[Clash, ...]
    order: tuple[int, ...]
    claims: tuple[Overlap, ...]
    outside: tuple[Outside, ...]
    of: int | None = None


def conflicts(app: App, task: Task | None = None) -> Conflicts:
    """Merge every live branch with its base and with each other in memory.

    task: report only the conflicts of this task; for an OPEN task, whose branch nobody works on, overlapping claims
    Uncommitted changes are not considered.
    Raises AgentError (exit 3) for a task that is neither live nor OPEN, or whose branch or base is gone.
    """
    if task is not None and not task.live and task.state is not State.OPEN:
        says = f"{task.label} has no branch to merge: it is {task.state}"
        raise refused("not-live", says, "git agent conflicts")
    if task is not None and (lost := _lost(app, task)) and task.live:
        raise refused("no-branch", f"{task.label} can't be compared: {lost[0]}", lost[1])
    found = _here(app, [*app.store.tasks.listing(LIVE), *([task] if task is not None and not task.live else [])])
    found, seen = _foreseen(app, found, task)
    clashes = [frozenset((one, other)) for one, other in seen.pairs if other is not None]
    order = sequence(found, app.store.tasks.parents([t.id for t in found]), clashes)
    claims = app.store.path_claims.of_states(LIVE)
    _leave_out(app)
    told = [Clash(one, other, paths) for (one, other), paths in seen.pairs.items()]
    own = [c for c in told if task is None or task.id in (c.task, c.other)]
    return Conflicts(
        tuple(sorted(found, key=lambda t: t.id)),
        tuple(sorted(own, key=lambda c: (c.task, c.other or 0))),
        tuple(t.id for t in order),
        tuple(_overlapping(app, task)),
        tuple(each for t in found for each in outside(app, t, claims) if task is None or _concerns(each, task)),
        task.id if task else None,
    )


def _foreseen(app: App, found: list[Task], of: Task | None) -> tuple[list[Task], Foreseen]:
    """Forecast merges; if git fails, only those of branches that it can read. Returns the tasks and the forecast."""
    try:
        return found, foresee(app, found)
    except GitError:
        good = [t for t in found if not is_damaged(app, t)]
        if len(good) == len(found):
            raise
    for task in (t for t in found if t not in good):
        if of is not None and task.id == of.id:
            raise refused("branch-damaged", f"{task.label} can't be compared: {_DAMAGED}", "git agent doctor")
        app.notice(f"{task.label} is left out: {_DAMAGED} (git agent doctor)")
    return good, foresee(app, good)


def _overlapping(app: App, task: Task | None) -> list[Overlap]:
    standing = app.store.path_claims.of_states(LIVE | {State.OPEN})
    own = [c for c in standing if task is None or c.task == task.id]
    found = [each for claim in own for each in overlaps(app, claim)]
    pairs = {frozenset((o.claim.task, o.other.task)): o for o in reversed(found)}  # of each pair, the lower id
    turned = [
        o if (o.claim.task or 0) < (o.other.task or 0) else Overlap(o.other, o.claim, o.paths) for o in pairs.values()
    ]
    return sorted(turned, key=lambda o: (o.claim.task or 0, o.other.task or 0))


def _leave_out(app: App) -> None:
    from git_agent.git import pathspecs

    for claim in app.store.path_claims.of_states(LIVE | {State.OPEN}):
        if why := pathspecs.unreadable(app.repo, claim.paths):
            app.notice(
                f"the claim of task {claim.task} is left out: {why} (git agent edit {claim.task} --path PATHSPEC)"
            )


def _concerns(found: Outside, task: Task) -> bool:
    return task.id in (found.task, found.claimed_by)


def _here(app: App, live: Sequence[Task]) -> list[Task]:
    lost = {task.id: _lost(app, task) for task in live}
    for task in live:
        if found := lost[task.id]:
            app.notice(f"{task.label} is left out: {found[0]} ({found[1]})")
    return sorted((t for t in live if lost[t.id] is None), key=lambda t: t.id)


def _lost(app: App, task: Task) -> tuple[str, str] | None:
    """Return why a task's branch can't be merged with others, and a command to fix that; None if it can."""
    heads = app.sighted_heads
    if task.branch is None:
        return "it has no branch yet", f"git agent spawn {task.id}"
    if not task.live:
        return f"nobody works on branch '{task.branch}'", f"git agent spawn {task.id}"
    if task.branch not in heads:
        return f"branch '{task.branch}' is gone", "git agent doctor"
    if task.base not in heads:
        return f"its base '{task.base}' is gone", f"git agent edit {task.id} --base BRANCH"
    return None
