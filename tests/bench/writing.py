"""64 writers of one store at once: how long the unluckiest waits, and how evenly they come to their turn."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import writers
from tests.bench.rows import Benchmark, Goal, Result, Row, absolute
from tests.bench.stage import Stage

LONGEST = Row("longest wait of 64 writers at once", Goal(2, unit="s"))


def writing(stage: Stage) -> Iterator[Result]:
    """Let 64 processes write for five seconds."""
    processes, seconds = stage.size(writers.PROCESSES, 4), stage.size(int(writers.SECONDS), 1)
    found = writers.measure(processes, seconds, str(stage.root / "git-agent"))
    lost = sum(found.made) - found.kept
    note = f"{min(found.made)} to {max(found.made)} changes each, {lost} lost"
    result = absolute(LONGEST, [max(found.waits)], "s", note="; ".join([note, *found.errors]))
    yield result._replace(met=bool(result.met) and not lost and not found.errors)


BENCHMARKS = {"writers": Benchmark((LONGEST,), writing)}
