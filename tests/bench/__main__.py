"""Print how git agent compares with what it is built on: python -m tests.bench [NAME...]. Changes nothing outside.

One line for each: the ratio (median over pairs of runs in turns), its quartiles, the target, whether it is met.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench import conflicting, hooking, listing, mailing, merging, running, spawning, starting, verbs, writing
from tests.bench.stage import sealed

BENCHMARKS = {
    **starting.BENCHMARKS,
    **listing.BENCHMARKS,
    **spawning.BENCHMARKS,
    **verbs.BENCHMARKS,
    **writing.BENCHMARKS,
    **hooking.BENCHMARKS,
    **running.BENCHMARKS,
    **mailing.BENCHMARKS,
    **conflicting.BENCHMARKS,
    **merging.BENCHMARKS,
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all; each makes what it needs and leaves nothing."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    memory = Path("/dev/shm")  # a disk's own hurry or rest would be most of what is measured
    for name in names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="git-agent-bench-", dir=memory if memory.is_dir() else None) as scratch:
            for line in BENCHMARKS[name](sealed(Path(scratch).resolve())):
                print(line, flush=True)


main(sys.argv[1:])
