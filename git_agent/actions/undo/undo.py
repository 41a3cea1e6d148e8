"""Undo the last operations: removals, merges, cancellations and fixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from git_agent.actions.doctor.undo import undo_fixes
from git_agent.actions.reconcile.spool import apply_spool
from git_agent.actions.undo.restore import undo_task
from git_agent.app import App
from git_agent.domain.event import Event
from git_agent.domain.undo import FIXED, NOT_UNDOABLE, Hypothetical, Operation
from git_agent.errors import AgentError, refused
from git_agent.git import spool
from git_agent.record import Record


class Undone(Record):
    """What was undone, the newest first, each with a line for everything that is restored."""

    operations: tuple[tuple[Operation, tuple[str, ...]], ...]


def undo(
    app: App,
    number: int = 1,
    *,
    only: int | None = None,
    dry_run: bool = False,
    asks: Callable[[Undone], None] = lambda looked: None,
) -> Undone:
    """Undo the last operations one by one, the newest first.

    number: how many to undo
    only: the number of a single operation to undo, 1 for the newest
    dry_run: only report
    asks: called with the operations before several are undone; an exception from it prevents the undo
    Raises AgentError, mostly exit 3, when there are fewer operations or one can't be undone. Several operations are all
    checked before the first is undone, each against the state it would find. If one fails anyway, those already undone
    stay undone and are named.
    """
    _ = app.speaker  # ask git before any transaction
    if spool.notes(app.spool_dir):
        app.progress("asking whether a push arrived")
        for line in apply_spool(app, remotes=True).lines:
            app.notice(line)
    found = operations(app, only or number)
    if len(found) < (only or number):
        raise _too_few(len(found))
    chosen = found[only - 1 :] if only is not None else found
    looked = _looked(app, chosen) if dry_run or len(chosen) > 1 else ()
    if dry_run:
        return Undone(looked)
    if looked:
        asks(Undone(looked))
    done: list[tuple[Operation, tuple[str, ...]]] = []
    for operation in chosen:
        try:
            done.append((operation, tuple(undo_operation(app, operation, dry_run=False))))
        except AgentError as error:
            error.details += tuple(f"undone: {before.what}" for before, _ in done)
            raise
    return Undone(tuple(done))


def _looked(app: App, chosen: Sequence[Operation]) -> tuple[tuple[Operation, tuple[str, ...]], ...]:
    looked, assumed = list[tuple[Operation, tuple[str, ...]]](), Hypothetical()
    for operation in chosen:
        try:
            looked.append((operation, tuple(undo_operation(app, operation, dry_run=True, assumed=assumed))))
        except AgentError as error:
            if looked:
                error.details += (f"nothing was undone; git agent undo {len(looked)} undoes what is newer",)
            raise
        assumed = assumed.then(operation)
    return tuple(looked)


def _too_few(there: int) -> AgentError:
    if not there:
        return refused("nothing-to-undo", "there is nothing to undo", "git agent undo -h, to see what can be undone")
    says = f"only {there} operation{'' if there == 1 else 's'} can be undone"
    return refused("too-few", says, "git agent undo --list; N counts operations; it is not the number of a task")


class Undoable(Record):
    """An operation that may be undone.

    number: 1 for the newest
    error: why it can't be undone, None when it can
    after: the number of the operation that must be undone first, None when there is none
    """

    number: int
    operation: Operation
    error: AgentError | None
    after: int | None = None


def list_undoable(app: App, limit: int) -> list[Undoable]:
    """List the last operations, the newest first, without changing anything.

    limit: the maximum number of operations
    """
    found, assumed = list[Undoable](), Hypothetical()
    for number, each in enumerate(operations(app, limit), 1):
        error = _error(app, each, Hypothetical())
        after = _nearest(each, found) if error and _error(app, each, assumed) is None else None
        found.append(Undoable(number, each, None if after else error, after))
        if found[-1].error is None:
            assumed = assumed.then(each)
    return found


def _error(app: App, operation: Operation, assumed: Hypothetical) -> AgentError | None:
    try:
        undo_operation(app, operation, dry_run=True, assumed=assumed)
    except AgentError as error:
        return error
    return None


def _nearest(operation: Operation, newer: Sequence[Undoable]) -> int:
    """Return the oldest newer operation that touched the same task or base, or else the oldest that can be undone."""
    able = [each for each in newer if each.error is None]
    near = [each.number for each in able if each.operation.touched & operation.touched]
    return near[-1] if near else able[-1].number


def operations(app: App, limit: int) -> list[Operation]:
    """List the last operations that were not undone, ordered by when they began.

    limit: the maximum number of operations
    Fixes that leave nothing to undo are not an operation, unless the same run made other fixes. Operations that ran at
    the same time, or that were finished after a crash, may have ended in another order. A merge that is built on
    another counts as newer than that one, no matter when its worktree was removed.
    """
    found, none = dict[str, Operation](), set[str]()
    for event in app.store.events.undoable():
        if sum(each.events[0].seq > event.seq for each in found.values()) >= limit:
            break
        name = event.data["operation"]
        if name in found or name in none:
            continue
        made = Operation(name, tuple(app.store.events.of_operation(name)))
        if all(each.kind == FIXED and each.data["code"] in NOT_UNDOABLE for each in made.events):
            none.add(name)
        else:
            found[name] = made
    return sorted(found.values(), key=lambda each: each.events[0].seq, reverse=True)[:limit]


def undo_operation(app: App, operation: Operation, *, dry_run: bool, assumed: Hypothetical | None = None) -> list[str]:
    """Undo an operation; return a line for each thing that is restored, or would be.

    dry_run: only report
    assumed: what would be undone first
    Everything is checked before anything is done, so that the removal of many tasks is refused as a whole.
    Raises AgentError, mostly exit 3.
    """
    if operation.kind == FIXED:
        return undo_fixes(app, operation.events, dry_run=dry_run)
    parts = [list(part) for _, part in groupby(sorted(operation.events, key=_task), key=_task)]
    if dry_run or len(parts) > 1:
        looked = [line for part in parts for line in undo_task(app, part, dry_run=True, assumed=assumed)]
    return looked if dry_run else [line for part in parts for line in undo_task(app, part)]


def _task(event: Event) -> int:
    return event.task or 0
