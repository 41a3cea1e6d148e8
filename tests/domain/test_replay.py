"""Replaying a task's events gives its state, hold, epoch and version; the first event that does not fit is named."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.replay import Replayed, StateChange, replay
from git_agent.domain.task import MOVES, Hold, Move, State, Step, after, event_kind


def walked(choices: Sequence[int]) -> tuple[list[StateChange], Replayed]:
    """Walk through the table of moves; return the events of the walk, and where it ends."""
    at, found = Replayed(), list[StateChange]()
    for choice in choices:
        several = [(step, None) for step in Step] + [(Step.ENDED, hold) for hold in Hold]
        moves = [m for step, into in several if (m := after(at.state, at.hold, step, into=into)) is not None]
        move = moves[choice % len(moves)]
        epoch, version = at.epoch + move.fences, at.version + 1
        hold = move.hold if move.step is Step.ENDED else None
        found.append(StateChange(len(found) + 1, event_kind(move.step), at.state, move.target, epoch, version, hold))
        at = Replayed(move.target, move.hold, epoch, version)
    return found, at


CHOICES = st.lists(st.integers(0, 1_000_000), max_size=30)
ADDED = StateChange(1, "task.added", None, "OPEN", 0, 0)
SPAWNED = StateChange(2, "task.spawned", "OPEN", "ASSIGNED", 1, 1)


def test_no_events_end_in_no_state() -> None:
    assert replay([]) == Replayed(None, None, 0, -1, None)


@given(CHOICES)
def test_any_walk_through_the_table_folds_to_where_it_ends(choices: list[int]) -> None:
    events, end = walked(choices)
    notes = [StateChange(99, "task.noted", None, None, 1, None)] * 2
    assert replay(iter([*notes, *events, *notes])) == end


@given(CHOICES.filter(len), st.data())
def test_a_walk_that_lacks_an_event_is_found_at_the_next_one(choices: list[int], data: st.DataObject) -> None:
    events, _ = walked(choices)
    lost = data.draw(st.integers(0, len(events) - 1))
    found = replay(events[:lost] + events[lost + 1 :]).mismatch
    assert (found.seq if found else None) == (lost + 2 if lost + 1 < len(events) else None)


@given(CHOICES.filter(len), st.data())
def test_an_event_with_any_other_number_or_state_is_found(choices: list[int], data: st.DataObject) -> None:
    events, _ = walked(choices)
    at = data.draw(st.integers(0, len(events) - 1))
    field = data.draw(st.sampled_from(("source", "epoch", "version")))
    right = getattr(events[at], field)
    values = [None, *State] if field == "source" else [None, *range(-2, 40)]
    events[at] = events[at]._replace(**{field: data.draw(st.sampled_from([v for v in values if v != right]))})
    found = replay(events).mismatch
    assert found is not None and found.seq == at + 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("task.started", "ASSIGNED", "WORKING", 1, 3), "has version 3 after version 1"),
        (("task.started", "ASSIGNED", "WORKING", 1, 1), "has version 1 after version 1"),
        (("task.merged", "APPROVED", "COMPLETED", 1, 2), "starts at APPROVED, but the task was ASSIGNED"),
        (("task.started", "ASSIGNED", "WORKING", 0, 2), "has epoch 0, which epoch 1 had superseded"),
        (("task.started", "ASSIGNED", "WORKING", 2, 2), "has epoch 2 after epoch 1"),
        (("task.reassigned", "ASSIGNED", "ASSIGNED", 1, 2), "has epoch 1 after epoch 1"),
        (("task.approved", "ASSIGNED", "APPROVED", 1, 2), "task.approved does not lead from ASSIGNED to APPROVED"),
        (("task.blessed", "ASSIGNED", "WORKING", 1, 2), "task.blessed does not lead from ASSIGNED to WORKING"),
        (("task.started", "ASSIGNED", "WORKING", 1, None), "records a change of state incompletely"),
        (("task.added", None, "OPEN", 1, 2), "starts at None, but the task was ASSIGNED"),
    ],
)
def test_the_first_event_that_breaks_a_rule_is_named(change: tuple[object, ...], why: str) -> None:
    found = replay([ADDED, SPAWNED, StateChange(7, *change), StateChange(8, "task.blessed", None, "OPEN", 9, 9)])  # type: ignore[arg-type]
    assert found.mismatch == (7, why)
    assert found[:4] == (State.ASSIGNED, None, 1, 1)


def test_a_task_that_was_never_added_is_found() -> None:
    assert replay([SPAWNED]).mismatch == (2, "has version 1 after version -1")


def _ends(kind: str, state: State | None, hold: Hold | None, target: State) -> set[tuple[Hold | None, bool]]:
    moves: list[Move | None] = [after(state, hold, step) for step in Step if event_kind(step) == kind]
    return {(m.hold, m.fences) for m in moves if m is not None and m.target is target}


def test_an_event_leaves_no_doubt_which_row_of_the_table_it_was() -> None:
    """Its kind, its two states and the hold before it decide the hold and the epoch after it."""
    kinds, targets = {event_kind(step) for step in Step}, {m.target for m in MOVES}
    for kind, state, hold, target in product(kinds, [None, *State], [None, *Hold], targets):
        assert len(_ends(kind, state, hold, target)) <= 1, (kind, state, hold, target)
