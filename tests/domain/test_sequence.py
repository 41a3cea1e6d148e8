"""The order in which tasks are merged."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.queue import sequence
from tests.domain.sample import task

PAIRS = [frozenset(pair) for pair in combinations(range(1, 8), 2)]


@given(
    st.lists(st.integers(0, 4), min_size=7, max_size=7),
    st.sets(st.sampled_from(PAIRS)),
    st.sets(st.sampled_from(PAIRS)),
)
def test_each_comes_once_after_what_it_waits_for_and_before_what_matters_less(
    priorities: list[int], clashes: set[frozenset[int]], waits: set[frozenset[int]]
) -> None:
    tasks = [task(id=at + 1, priority=priority) for at, priority in enumerate(priorities)]
    parents = {t.id: [min(pair) for pair in waits if max(pair) == t.id] for t in tasks}
    order = [t.id for t in sequence(tasks, parents, clashes)]
    assert sorted(order) == list(range(1, 8))
    for at, number in enumerate(order):
        assert not set(parents[number]) & set(order[at:])
        free = [t for t in order[at:] if not set(parents[t]) & set(order[at:])]
        left = {t: sum(1 for pair in clashes if t in pair and pair <= set(order[at:])) for t in free}
        assert min(free, key=lambda t: (priorities[t - 1], left[t], t)) == number


def test_a_circle_ends() -> None:
    tasks = [task(id=1), task(id=2)]
    assert [t.id for t in sequence(tasks, {1: [2], 2: [1]}, [])] == [1, 2]
