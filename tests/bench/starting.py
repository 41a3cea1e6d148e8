"""What it costs to start: against the imports that the program can't do without."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.measure import in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, compared
from tests.bench.stage import Stage

VERSION = Row("git agent --version", Goal(1.3, (("click", 1),)))


def version(stage: Stage) -> Iterator[Result]:
    """`git agent --version` against importing click."""
    works = {OURS: stage.work("git-agent", "--version"), "click": stage.work(sys.executable, "-c", "import click")}
    yield compared(VERSION, in_turns(works, rounds=stage.rounds(15)))


BENCHMARKS = {"version": Benchmark((VERSION,), version)}
