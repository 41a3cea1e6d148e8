"""All benchmarks by name, in the order in which they run and are documented."""

from __future__ import annotations

from tests.bench import (
    changing,
    claiming,
    conflicting,
    creating,
    growing,
    hooking,
    listing,
    mailing,
    merging,
    removing,
    running,
    starting,
    writing,
)
from tests.bench.rows import Benchmark, Row

BENCHMARKS: dict[str, Benchmark] = {
    **creating.BENCHMARKS,
    **listing.BENCHMARKS,
    **removing.BENCHMARKS,
    **hooking.BENCHMARKS,
    **mailing.BENCHMARKS,
    **changing.BENCHMARKS,
    **conflicting.BENCHMARKS,
    **merging.BENCHMARKS,
    **growing.BENCHMARKS,
    **running.BENCHMARKS,
    **starting.BENCHMARKS,
    **writing.BENCHMARKS,
    **claiming.BENCHMARKS,
}


def all_rows() -> list[Row]:
    """List the rows of all benchmarks."""
    return [row for benchmark in BENCHMARKS.values() for row in benchmark.rows]
