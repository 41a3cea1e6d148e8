"""64 writers at once: who waits how long. The measurement itself is writers.py's."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.stage import Stage


def writing(stage: Stage) -> Iterator[str]:
    """Run the writers, if they are here, in a process of their own: it starts others."""
    yield stage.run(sys.executable, "-m", "tests.bench.writers", cwd=None)


BENCHMARKS = {"writers": writing}
