"""Undo what the last commands did: removals, merges, cancellations, fixes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from git_agent.actions.operations import operations
from git_agent.actions.undo_operation import undo_operation
from git_agent.app import App
from git_agent.domain.assumed import Assumed
from git_agent.domain.operation import Operation
from git_agent.errors import AgentError, refused


@dataclass(frozen=True, slots=True)
class Undone:
    """What was undone, the newest first, each with a line for everything that is there again."""

    operations: tuple[tuple[Operation, tuple[str, ...]], ...]


def undo(
    app: App,
    number: int = 1,
    *,
    only: int | None = None,
    dry_run: bool = False,
    asks: Callable[[Undone], None] = lambda looked: None,
) -> Undone:
    """Undo the last operations, one after the other, the newest first.

    number: how many; only: the number of a single one, 1 for the newest; dry_run: only look; asks: called with several
    before they, and no others, are undone; what it raises prevents it. Raises AgentError, mostly exit 3, when there are
    not so many, or one can't be undone: of several all are looked at first, each as it would be then. What was undone
    when one fails all the same stays undone, and is named.
    """
    _ = app.speaker  # asked of git before any transaction
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
    looked, assumed = list[tuple[Operation, tuple[str, ...]]](), Assumed()
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
        return refused("nothing-to-undo", "there is nothing to undo", "git agent undo -h tells what can be undone")
    says = f"only {there} operation{'' if there == 1 else 's'} can be undone"
    return refused("too-few", says, "git agent undo --list; N counts operations, it is no task's number")
