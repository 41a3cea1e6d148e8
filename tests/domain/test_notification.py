"""Which events need a person, and that only one of all processes notifies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.notification import REASONS, needs_person, outstanding
from git_agent.domain.task import MOVES, State, Step, event_kind


def test_whatever_comes_into_review_or_fails_calls_a_person() -> None:
    # Who undoes something is a person, and knows.
    moves = [move for move in MOVES if move.step is not Step.UNDO]
    calling = {event_kind(move.step) for move in moves if move.target in (State.IN_REVIEW, State.FAILED)}
    assert calling and {kind for kind in calling if needs_person(kind) is None} == set()


def test_every_kind_but_what_was_found_is_a_step_of_the_table() -> None:
    found = {"task.stalled", "task.handed-in-gone", "task.merge-lost", "task.not-started"}
    assert REASONS.keys() - {event_kind(move.step) for move in MOVES} == found
    assert needs_person("task.approved") is None


def test_without_a_call_before_only_the_commands_own_event_counts() -> None:
    assert outstanding(None, 7, 9) == [range(7, 10)]


@given(st.permutations(range(5, 15)), st.integers(1, 4))
def test_each_event_is_seen_to_once_in_whatever_order_its_commands_come(order: list[int], late: int) -> None:
    covered: tuple[int, int] | None = None
    seen: list[int] = []
    for number, first in enumerate(order):
        newest = max(order) if number >= late else max(order[: number + 1])
        seen += [seq for each in outstanding(covered, first, newest) for seq in each]
        covered = (min(first, covered[0] if covered else first), max(newest, covered[1] if covered else newest))
    assert sorted(seen) == sorted(set(seen)) and set(seen) >= set(order)
