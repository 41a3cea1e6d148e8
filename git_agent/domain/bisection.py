"""Which of several changes, each built on the one before, breaks the whole: pure."""

from __future__ import annotations

from collections.abc import Callable


def first_failing(count: int, passes: Callable[[int], bool]) -> int | None:
    """Find the number of the change with which the first `number` of them fail, while those before it pass.

    count: how many there are; passes: asked with a number from 1 to count, about no number twice. All are asked about
    first: when they pass, nothing more is asked and None returned; else the number is found with as many questions as
    count has binary digits at most. No change at all is taken to pass.
    """
    if passes(count):
        return None
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if passes(middle) else (good, middle)
    return bad


def most_questions(count: int) -> int:
    """Say how many questions first_failing asks at most once the whole has failed: the logarithm, rounded up."""
    return (count - 1).bit_length()
