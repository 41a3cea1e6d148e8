"""Bisection finds the task that breaks the whole, at any position, with as few checks as possible."""

from __future__ import annotations

import pytest

from git_agent.domain.queue import first_failing, max_checks


@pytest.mark.parametrize("count", range(1, 40))
def test_the_culprit_is_found_wherever_it_stands(count: int) -> None:
    for culprit in range(1, count + 1):
        asked: list[int] = []

        def passes(number: int, culprit: int = culprit, asked: list[int] = asked) -> bool:
            asked.append(number)
            return number < culprit

        assert first_failing(count, passes) == culprit
        assert asked[0] == count and len(set(asked)) == len(asked) <= 1 + max_checks(count)
        assert culprit == 1 or culprit - 1 in asked  # what is about to land was asked about


def test_all_that_passes_is_asked_about_once() -> None:
    asked: list[int] = []
    assert first_failing(8, lambda number: asked.append(number) is None) is None and asked == [8]


def test_what_fails_now_and_then_still_has_an_answer_that_was_seen_to_fail() -> None:
    for bits in range(1 << 6):
        fails = {number for number in range(1, 7) if bits >> (number - 1) & 1}
        found = first_failing(6, lambda number, fails=fails: number not in fails)  # type: ignore[misc]
        assert (found is None) == (6 not in fails) and (found is None or found in fails)
        assert found in (None, 1) or found - 1 not in fails


@pytest.mark.parametrize(("count", "most"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)])
def test_the_number_of_questions_is_the_logarithm(count: int, most: int) -> None:
    assert max_checks(count) == most
