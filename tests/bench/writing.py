"""64 writers of one store at once: how long the unluckiest waits, and how evenly they come to their turn."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import writers
from tests.bench.stage import Stage

LONGEST_S = 2.0


def writing(stage: Stage) -> Iterator[str]:
    """Let 64 processes write for five seconds."""
    found = writers.measure(writers.PROCESSES, writers.SECONDS, str(stage.root / "git-agent"))
    longest, lost = max(found.waits), sum(found.made) - found.kept
    verdict = "met" if longest <= LONGEST_S and not lost and not found.errors else "NOT MET"
    yield (
        f"{f'longest wait of {writers.PROCESSES} writers':<34}{f'{longest:6.2f} s':<26}"
        f"{f'target {LONGEST_S:.2f} s  {verdict}':<22}"
        f"  {min(found.made)} to {max(found.made)} changes each, {lost} lost"
    )
    yield from found.errors


BENCHMARKS = {"writers": writing}
