"""What it costs to start: against the imports that the program can't do without."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage, fill

IMPORTS = (sys.executable, "-c", "import click, peewee")
ROUNDS = 25


def version(stage: Stage) -> Iterator[str]:
    """`git agent --version` against importing click."""
    first, second = stage.work("git-agent", "--version"), stage.work(sys.executable, "-c", "import click")
    yield line("--version / import click", paired(first, second, rounds=ROUNDS), 1.3)


def ten(stage: Stage) -> Iterator[str]:
    """`list` with 10 tasks against importing click and peewee."""
    repository = stage.repository("ten")
    fill(stage, repository, live=10)
    first, second = stage.work("git-agent", "list", cwd=repository), stage.work(*IMPORTS)
    yield line("list of 10 / import click, peewee", paired(first, second, rounds=ROUNDS), 1.6)


BENCHMARKS = {"version": version, "list-10": ten}
