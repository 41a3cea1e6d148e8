"""Print how git agent compares with what it is built on: python -m tests.bench [OPTIONS] [NAME...].

One line for each row: what it is compared with, the fastest peer, ours, the ratio, the goal, and whether it is met.
Nothing is changed outside, but for the peers' environments in the user's cache directory and the document.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import peers
from tests.bench.document import PATH, document
from tests.bench.registry import BENCHMARKS, all_rows
from tests.bench.rows import Result, heading, line
from tests.bench.stage import sealed


def main(arguments: list[str]) -> None:
    """Run the named benchmarks, or all; each makes what it needs and leaves nothing."""
    given = _parsed(arguments)
    began = time.monotonic()
    found = _peers() if given.peers else peers.Found({}, {}, {})
    for name, reason in found.missing.items():
        print(f"no {name}: {reason}", flush=True)
    print(heading(), flush=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # leaves the blocks that clean up
    results = list[Result]()
    for name in given.names or BENCHMARKS:
        results += _run(name, found, given)
        if given.doc:  # what was measured is kept if the rest is interrupted
            PATH.write_text(document(all_rows(), results, found, given.rounds))
    missed = sum(result.met is False for result in results)
    print(f"{len(results)} rows in {time.monotonic() - began:.0f} s, {missed} goals not met")


def _peers() -> peers.Found:
    with tempfile.TemporaryDirectory(prefix="git-agent-bench-") as scratch:
        return peers.usable(sealed(Path(scratch).resolve()), peers.install(peers.cache_directory()))


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure, and print ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="few rounds and small sizes: show that every row works")
    parser.add_argument("--rounds", type=int, metavar="N", help="at most N rounds for each row: 2 or more")
    parser.add_argument("--peers", action="store_true", help="install the programs of others, and measure them too")
    parser.add_argument("--doc", action="store_true", help="write docs/performance.md; needs all rows in full size")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {unknown[0]}; there are: {', '.join(BENCHMARKS)}")
    if given.rounds is not None and given.rounds < 2:
        parser.error("--rounds: at least 2, of which the median is taken")
    if given.doc and (given.names or given.quick):
        parser.error("--doc needs all rows in full size: leave out the names and --quick")
    return given


def _run(name: str, found: peers.Found, given: argparse.Namespace) -> list[Result]:
    memory = Path("/dev/shm")  # otherwise the disk would be most of what is measured
    with tempfile.TemporaryDirectory(prefix="git-agent-bench-", dir=memory if memory.is_dir() else None) as scratch:
        results = []
        rounds = given.rounds or (2 if given.quick else 1000)
        stage = sealed(Path(scratch).resolve(), quick=given.quick, most_rounds=rounds, peers=found.programs)
        for result in BENCHMARKS[name].run(stage):
            print(line(result), flush=True)
            results.append(result)
    return results


if __name__ == "__main__":
    main(sys.argv[1:])
