"""Plan an undo: decide whether it is possible, and what it must do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from git_agent.actions.reconcile.pushed_merges import places_pushed
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.attempt_plan import AttemptPlan
from git_agent.domain.event import Event
from git_agent.domain.task import FINISHED, LIVE, State, Task
from git_agent.domain.undo import CANCELLED, MERGED, REMOVED, Hypothetical, Removed, revert_command
from git_agent.errors import AgentError, refused
from git_agent.git import refs
from git_agent.git.merging import unmerge
from git_agent.git.worktrees import registry
from git_agent.record import Record


class Plan(Record):
    """The steps of an undo.

    events: the task's events to undo, the oldest first
    target: the state that the task returns to, None when the state stays
    returns: what was removed, and where it is restored
    locks: worktrees that were unlocked
    landed: the merge's base, oid and old
    lost: what can't be restored, a line for each attempt
    """

    task: Task
    events: tuple[Event, ...]
    target: State | None
    returns: tuple[tuple[Removed, AttemptPlan], ...]
    locks: tuple[str, ...]
    landed: Mapping[str, str] | None
    lost: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return the plan as the data of an intent."""
        places = [place._asdict() for _, place in self.returns]
        landed = None if self.landed is None else dict(self.landed)
        return {"events": [e.seq for e in self.events], "places": places, "locks": list(self.locks), "landed": landed}


def plan_undo(app: App, task: int, done: Sequence[Event], assumed: Hypothetical) -> Plan:
    """Plan to undo events of one task.

    done: the events
    assumed: what would be undone first
    Raises AgentError, mostly exit 3, with what prevents the undo.
    """
    now = app.store.tasks.get(task)
    require_current(app, now)
    if (
        since := app.store.events.changed_after(task, done[0].seq, {*assumed.operations, done[0].data["operation"]})
    ) is not None:
        raise _changed(now, since)
    target, landed, gone = None, None, list[Removed]()
    for event in done:
        if event.kind in (MERGED, CANCELLED):
            _require_name(app, now, event, assumed)
        if event.kind == MERGED:
            target, landed = State.APPROVED, plan_withdrawal(app, now, event, assumed)
        elif event.kind == CANCELLED:
            target = event.source
        elif event.kind == REMOVED:
            gone += map(Removed.of_data, event.data["gone"])
    returns, lost = _places(app, now, gone)
    locks = _unlocked(app, now) if target in LIVE else []
    return Plan(now, tuple(done), target, tuple(returns), tuple(locks), landed, tuple(lost))


def _places(app: App, task: Task, gone: Sequence[Removed]) -> tuple[list[tuple[Removed, AttemptPlan]], list[str]]:
    """Plan where the attempts are restored, and name those that can't be; raise the error if that is all of them.

    An attempt whose branch and worktree were gone before its removal has nothing to restore.
    """
    returns, errors = list[tuple[Removed, AttemptPlan]](), list[AgentError]()
    for each in gone:
        if each.tip is None and each.worktree is None:
            continue
        try:
            returns.append((each, _place(app, task, each)))
        except AgentError as error:
            if error.code != "pruned":
                raise
            errors.append(error)
    if errors and not returns:
        raise errors[0]
    return returns, [error.message.removeprefix("cannot undo: ") for error in errors]


def _changed(task: Task, since: Event) -> AgentError:
    did = since.kind.removeprefix("task.")
    hint = "git agent undo" if since.kind in (REMOVED, CANCELLED) else f"git agent rescue list {task.id}"
    return refused("changed-since", f"cannot undo: {task.label} was {did} since then by {since.actor}", hint)


def _require_name(app: App, task: Task, event: Event, assumed: Hypothetical) -> None:
    """Require that the task's name is not in use: another task may take it once the task is finished."""
    others = [other for other in app.store.tasks.by_name(names.name_key(task.name)) if other.id != task.id]
    if any(other.state not in FINISHED or other.id in assumed.tasks for other in others):
        what, hint = "cancellation", "git agent add TITLE, to add a new one"
        if event.kind == MERGED:
            what, hint = "merge", f"{revert_command(event.data)}, on '{task.base}', undoes it with a new commit"
        says = f"cannot undo the {what} of {task.label}: another task is named '{task.name}'"
        raise refused("name-taken", says, hint)


def _place(app: App, task: Task, gone: Removed) -> AttemptPlan:
    """Plan where an attempt is restored: branch and path must be free, or as they were."""
    hint, oid = f"git agent rescue list {task.id}", gone.tip or gone.head_oid or ""
    head = app.repo.head(gone.branch)
    if head is not None and ((head.oid != gone.tip and not gone.adopted) or (head.worktree and gone.worktree)):
        where = f"checked out at {head.worktree}" if head.worktree else f"at {head.oid[:12]}"
        raise refused("branch-taken", f"cannot undo: branch '{gone.branch}' exists again, {where}", hint)
    if head is None:
        if app.repo.resolve(oid) is None or (gone.files and app.repo.resolve(gone.files) is None):
            raise refused("pruned", f"cannot undo: the commits of '{gone.branch}' are no longer kept", hint)
        # Creating it compares again: what was undone before may have brought back other branches.
        if other := refs.clashing_branch(gone.branch, app.sighted_heads):
            raise refused("branch-taken", f"cannot undo: '{gone.branch}' can't coexist with '{other}'", hint)
    path = gone.worktree
    if path is not None and (registry.registration_at(app.repo, path) is not None or _is_taken(path)):
        raise refused("path-taken", f"cannot undo: {path} exists again", f"move it away, or {hint}")
    return AttemptPlan(gone.number, gone.branch, path or "", head.oid if head else oid, adopted=head is not None)


def _is_taken(path: str) -> bool:
    return os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path) or bool(os.listdir(path)))


def _unlocked(app: App, task: Task) -> list[str]:
    """List the worktrees of a live task that must be locked again; a lock made by a person is left alone."""
    there = [a.worktree for a in app.store.attempts.present(task.id) if a.worktree]
    registered = {w: registry.registration_at(app.repo, w) for w in there if os.path.lexists(w)}
    return [path for path, found in registered.items() if found is not None and found.locked is None]


def plan_withdrawal(app: App, task: Task, event: Event, assumed: Hypothetical) -> dict[str, str]:
    """Return a merge's base, oid and old.

    event: the event that recorded the merge
    assumed: what would be undone first
    Raises AgentError: exit 3 with whatever builds on the merge, and with the command that reverts it by a commit.
    """
    data = event.data
    base, oid, old = task.base, data["oid"], data["old"]  # the base may have another name now
    now, cannot = app.repo.branch_oid(base), f"cannot undo the merge of {task.label}: "
    tip = assumed.bases.get(data["base"], now or "")
    if now is None or not app.repo.is_ancestor(oid, tip):
        raise _gone(app, task, event, now, cannot)
    if on := list(_standing(app, task, base, oid, tip, assumed)):
        hint = f"{revert_command(data)}, on '{base}', undoes it with a new commit"
        raise refused("built-upon", f"{cannot}{on[0]}", hint, tuple(on[1:]))
    unmerge.withdraw(app.repo, base, now, old, "", dry_run=True)
    return {"base": base, "oid": oid, "old": old}


def _standing(app: App, task: Task, base: str, oid: str, tip: str, assumed: Hypothetical) -> Iterator[str]:
    own = {a.branch for a in app.store.attempts.of_task(task.id)}
    found = unmerge.standing_on(app.repo, oid, base, own)
    if pushed := [name for name in found if name.startswith("remotes/")]:
        yield f"it was pushed: {', '.join(pushed)}"
    yield from places_pushed(app, oid)
    if tip != oid:
        yield f"'{base}' has later commits"
    yield from (f"{_named(app, name)} is built on it" for name in found if name not in pushed)
    again = [b for b, head in assumed.heads.items() if b not in own and app.repo.is_ancestor(oid, head)]
    yield from (f"{_named(app, name)} would be built on it" for name in again if name not in found)


def _named(app: App, name: str) -> str:
    """Name a branch that uses a commit, with its task: a new task's branch without commits is easily overlooked."""
    of = next(iter(app.store.tasks.by_branch(name)), None)
    return f"{name}, the branch of {of.label}," if of else name


def _gone(app: App, task: Task, event: Event, now: str | None, cannot: str) -> AgentError:
    data = event.data
    base, oid, old = task.base, data["oid"], data["old"]
    if now is None or app.repo.is_ancestor(now, old):
        return refused("not-in-base", f"{cannot}'{base}' no longer contains it", f"git agent reopen {task.id}")
    found = unmerge.rewritten(app.repo, now, oid, old, data["tip"])
    if found is None:
        says = f"{cannot}'{base}' no longer contains the commit {oid[:12]}"
        return refused("not-in-base", says, f"git log {base}, to see whether its work is there")
    merges = len(found.parents) > 1
    by = "merge" if merges else "squash" if data["by"] == "merge" else data["by"]
    command = revert_command({"by": by, "oid": found.oid, "old": old})
    says = f"{cannot}the merge commit was rewritten and is now {found.oid[:12]}"
    return refused("rewritten", says, f"{command}, on '{base}', undoes it with a new commit")
