"""Run contenders in turns, so that a noisy machine disturbs all of them alike, and note what each run took."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

from git_agent.record import Record

Work = Callable[[int], object]
"""One run of a contender. It gets the number of the round."""


class Spread(Record):
    """The median of some numbers, and their quartiles."""

    median: float
    low: float
    high: float


class Cost(Record):
    """What one run took, in seconds: on the clock, and on processors by this process's children."""

    seconds: float
    cpu: float


Costs = Mapping[str, Sequence[Cost]]
"""The costs of each contender, one for each round."""


def in_turns(works: Mapping[str, Work], *, rounds: int, warm_up: int = 1, after: Work | None = None) -> Costs:
    """Run every contender once in each round, each round in another order; return their costs.

    works: the contenders by name
    rounds: the rounds that count
    warm_up: the rounds before them that do not count, which fill caches and compile bytecode
    after: runs after each round and is not timed
    """
    names, costs = list(works), {name: list[Cost]() for name in works}
    for number in range(warm_up + rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            cost = _cost(works[name], number)
            if number >= warm_up:
                costs[name].append(cost)
        if after is not None:
            after(number)
    return costs


def spread(numbers: Sequence[float]) -> Spread:
    """Return the median and the quartiles of some numbers."""
    if len(numbers) == 1:
        return Spread(numbers[0], numbers[0], numbers[0])
    low, median, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return Spread(median, low, high)


def differences(costs: Costs, first: str, second: str, share: float) -> list[float]:
    """Return by how many ms the first contender took longer than the second in each round, divided by `share`."""
    pairs = zip(costs[first], costs[second], strict=True)
    return [(one.seconds - two.seconds) * 1000 / share for one, two in pairs]


def _cost(work: Work, number: int) -> Cost:
    cpu, began = _children(), time.perf_counter()
    work(number)
    return Cost(time.perf_counter() - began, _children() - cpu)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
