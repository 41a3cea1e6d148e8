"""Replay a task's events through the table of moves, and find the first event that does not fit."""

from __future__ import annotations

from collections.abc import Iterable

from git_agent.domain.task import MOVES, Hold, Move, State, Step, event_kind
from git_agent.record import Record


class StateChange(Record):
    """The part of an event that a replay needs. An event without target and version changes no state and is skipped.

    seq: the event's number
    source, target: states; source is None for the event that adds the task
    epoch, version: of the task after the event
    hold: the hold that `ended` gave, None for no_commits
    """

    seq: int
    kind: str
    source: str | None
    target: str | None
    epoch: int | None
    version: int | None
    hold: str | None = None


class Mismatch(Record):
    """The first event that does not fit.

    seq: its number; why: what is wrong with it, as the end of a sentence that begins with the event
    """

    seq: int
    why: str


class Replayed(Record):
    """The result of replaying a task's events.

    state: None before the task is added; version: -1 then; mismatch: the event at which the replay stopped, if any.
    """

    state: State | None = None
    hold: Hold | None = None
    epoch: int = 0
    version: int = -1
    mismatch: Mismatch | None = None


def replay(changes: Iterable[StateChange]) -> Replayed:
    """Replay the changes of one task, ordered by number, and return where they lead.

    The rules are those of store.tasks.move. Versions count up from 0. Each change starts where the one before ended
    and is a row of MOVES. Its epoch is the one that this row makes of the epoch before, so a superseded worker changes
    nothing. The replay stops at the first change that breaks a rule, and returns it as the mismatch.
    """
    at, left = Replayed(), None
    for change in changes:
        if change.target is None and change.version is None:
            continue
        why, move = _mismatch(at, change)
        if why or move is None:
            return at._replace(mismatch=Mismatch(change.seq, why))
        hold = left if str(move.step) == _UNDO and move.target is State.WORKING else move.hold
        left = at.hold if at.state is State.WORKING else left
        at = Replayed(move.target, hold, at.epoch + move.fences, at.version + 1)
    return at


def _mismatch(at: Replayed, change: StateChange) -> tuple[str, Move | None]:
    if change.target is None or change.version is None or change.epoch is None:
        return "records a change of state incompletely", None
    if change.version != at.version + 1:
        return f"has version {change.version} after version {at.version}", None
    if change.source != at.state:
        return f"starts at {change.source}, but the task was {at.state}", None
    if change.epoch < at.epoch:
        return f"has epoch {change.epoch}, which epoch {at.epoch} had superseded", None
    move = _row(at, change)
    if move is None:
        return f"{change.kind} does not lead from {change.source} to {change.target}", None
    if change.epoch != at.epoch + move.fences:
        return f"has epoch {change.epoch} after epoch {at.epoch}", None
    return "", move


def _row(at: Replayed, change: StateChange) -> Move | None:
    """Find a change's row. Steps may share an event kind (our merge, one by hand); such rows have the same result."""
    for move in _ROWS.get((change.kind, change.target or ""), ()):
        begins = at.state in move.sources if at.state is not None else not move.sources
        held = {None: True, "any": at.hold is not None, "none": at.hold is None}.get(move.held, move.held == at.hold)
        given = move.step is not Step.ENDED or move.hold == (change.hold or Hold.NO_COMMITS)
        if begins and held and given:
            return move
    return None


_UNDO = "undo"  # the only step that restores an earlier hold: the one that the task had when it was cancelled
_ROWS: dict[tuple[str, str], list[Move]] = {}
for _each in MOVES:
    _ROWS.setdefault((event_kind(_each.step), str(_each.target)), []).append(_each)
