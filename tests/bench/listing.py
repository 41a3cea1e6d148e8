"""What `list` costs with many tasks, against the same ten alone; its output is piped."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage, fill

ROUNDS = 25


def finished(stage: Stage) -> Iterator[str]:
    """10 live tasks among 990 finished ones and 100,000 events."""
    few, many = stage.repository("few"), stage.repository("many")
    fill(stage, few, live=10)
    fill(stage, many, live=10, finished=990, events=100_000)
    first, second = (stage.work("git-agent", "list", cwd=place) for place in (many, few))
    yield line("list of 10 among 990 finished", paired(first, second, rounds=ROUNDS), 1.1)


def thousand(stage: Stage) -> Iterator[str]:
    """1,000 live tasks, each with a branch; refs as files of their own, then packed."""
    few, many = stage.repository("few"), stage.repository("many")
    fill(stage, few, live=10)
    fill(stage, many, live=1000)
    first, second = (stage.work("git-agent", "list", cwd=place) for place in (many, few))
    yield line("list of 1,000 / of 10, loose refs", paired(first, second, rounds=ROUNDS), 1.5)
    stage.run("git", "pack-refs", "--all", cwd=many)
    yield line("list of 1,000 / of 10, packed refs", paired(first, second, rounds=ROUNDS), 1.5)


BENCHMARKS = {"list-finished": finished, "list-1000": thousand}
