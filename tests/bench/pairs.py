"""Measure two things in turns, so that a noisy machine disturbs both alike; compare them by the ratio of each pair."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Work = Callable[[int], object]
"""One run, told its number; what must not be timed is done by the caller in `after`."""


@dataclass(frozen=True)
class Ratio:
    """How many times longer the first took than the second: median and quartiles over the pairs; ms: their medians."""

    median: float
    low: float
    high: float
    ms: tuple[float, float]


def paired(first: Work, second: Work, *, rounds: int, warm_up: int = 1, after: Work | None = None) -> Ratio:
    """Run both in turns, each round the other one first, and compare them.

    rounds: pairs that count; warm_up: pairs before them that do not (bytecode, caches); after: tidies up after a pair.
    """
    pairs: list[tuple[float, float]] = []
    for number in range(warm_up + rounds):
        if number % 2:
            one, two = _seconds(first, number), _seconds(second, number)
        else:
            two, one = _seconds(second, number), _seconds(first, number)
        if after is not None:
            after(number)
        if number >= warm_up:
            pairs.append((one, two))
    low, median, high = statistics.quantiles([one / two for one, two in pairs], n=4, method="inclusive")
    ms = tuple(statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
    return Ratio(median, low, high, (ms[0], ms[1]))


def line(name: str, ratio: Ratio, target: float | None) -> str:
    """Say a comparison in one line; target: the largest ratio allowed, None where there is none."""
    verdict = "for information" if target is None else f"target {target:.2f}  {_met(ratio, target)}"
    spread = f"{ratio.median:6.2f}  ({ratio.low:.2f} to {ratio.high:.2f})"
    return f"{name:<34}{spread:<26}{verdict:<22}{ratio.ms[0]:8.1f} ms against {ratio.ms[1]:.1f} ms"


def _met(ratio: Ratio, target: float) -> str:
    return "met" if ratio.median <= target else "NOT MET"


def _seconds(work: Work, number: int) -> float:
    began = time.perf_counter()
    work(number)
    return time.perf_counter() - began
