"""A state is the fold of its events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.event import Event, fold
from git_agent.domain.task import MOVES, State


def event(seq: int, source: State | None, target: State | None) -> Event:
    return Event(seq, seq, "task.something", 7, "Ada", source, target, 0, {})


def test_no_events_end_in_no_state() -> None:
    assert fold([]) is None


def test_events_end_in_the_state_of_the_last_move() -> None:
    events = [
        event(1, None, State.OPEN),
        event(2, State.OPEN, State.ASSIGNED),
        event(3, None, None),  # a beat, a note: no change of state
        event(4, State.ASSIGNED, State.WORKING),
    ]
    assert fold(events) is State.WORKING
    assert fold(iter(events)) is State.WORKING


def test_an_event_that_starts_elsewhere_is_found() -> None:
    with pytest.raises(ValueError, match=r"event 2 starts at APPROVED, but the task was OPEN"):
        fold([event(1, None, State.OPEN), event(2, State.APPROVED, State.COMPLETED)])


def test_a_task_that_was_never_added_is_found() -> None:
    with pytest.raises(ValueError, match=r"event 1 starts at OPEN, but the task was None"):
        fold([event(1, State.OPEN, State.ASSIGNED)])


def test_a_task_that_is_added_twice_is_found() -> None:
    with pytest.raises(ValueError, match="event 2"):
        fold([event(1, None, State.OPEN), event(2, None, State.OPEN)])


@given(st.lists(st.integers(0, 1_000_000), max_size=30), st.data())
def test_any_walk_through_the_table_folds_to_where_it_ends(choices: list[int], data: st.DataObject) -> None:
    state: State | None = None
    events: list[Event] = []
    for choice in choices:
        moves = [m for m in MOVES if state in m.sources or (state is None and not m.sources)]
        target = moves[choice % len(moves)].target
        events.append(event(len(events) + 1, state, target))
        state = target
    assert fold(events) is state
    if events:
        lost = data.draw(st.integers(0, len(events) - 1))
        gap = events[lost]
        rest = events[:lost] + events[lost + 1 :]
        if gap.source is not gap.target and lost < len(events) - 1:
            with pytest.raises(ValueError):
                fold(rest)
