"""docs/performance.md, which `make bench DOC=1` prints: the machine, the date, the table, and how it is measured."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.bench.peers import Found
from tests.bench.rows import COLUMNS, Result, Row

PATH = Path(__file__).parents[2] / "docs" / "performance.md"
_INTRODUCTION = """\
# Performance

`make bench PEERS=1 DOC=1` measured these numbers and wrote this page. Ratios hold on other machines; times differ.
"""
_METHOD = """\
## How it is measured

Each row runs whole commands, from the start of the process to its end, on repositories in memory. The contenders of a
row run one after the other in every round, each round in another order, so that a busy machine slows down all of
them. The ratio is the median of the rounds' ratios, with its quartiles. Workers have real worktrees, made by what
`git agent spawn` does.

*Limit* is what no tool of this kind can avoid: the same work in plain git, and *I*, the time that Python needs to
import click and peewee, which a command in Python has to pay. Where a row compares a repository with a long history
with one without, the limit is the second. A goal is met if the ratio is not above the number before the x.

*Best peer* is the fastest of the programs in package registries that do some of the same. Each runs in an environment
of its own, with its defaults. A peer that reads a message without recording that it was read, or that creates a
worktree without recording whose it is, does less than ours; we compare times and not features. The wake-up of a peer
includes the command that sends the message.
"""


def document(rows: Sequence[Row], results: Sequence[Result], found: Found, rounds: int | None = None) -> str:
    """Return the page for results that were measured on this machine, now.

    rows: all rows that there are; those without a result are named as not measured
    found: the peers that were measured, and those that could not be had
    rounds: the most rounds that a row had
    """
    parts = [_INTRODUCTION, _machine(rounds), _peers(found), _table(rows, results), _notes(results), _METHOD]
    return "\n".join(part for part in parts if part)


def _machine(rounds: int | None) -> str:
    now = datetime.datetime.now(datetime.UTC)
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    cores, load = os.cpu_count() or 1, os.getloadavg()[2]
    said = [f"The average load of the last 15 minutes of the run was {load:.1f}."]
    if load > cores + 1:  # the benchmark itself runs one or two programs at a time
        said.append("Other programs kept the machine busy, so that times are too long and ratios are rough.")
    if rounds:
        said.append(f"Each row had {rounds} rounds or fewer.")
    return (
        f"Measured on {now:%Y-%m-%d}: {cores} cores ({_processor()}), {memory:.0f} GiB of memory, "
        f"{platform.system()} {platform.machine()}, git {git}, Python {platform.python_version()}.\n"
        f"{' '.join(said)}\n"
    )


def _processor() -> str:
    listed = Path("/proc/cpuinfo")  # on Linux
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def _peers(found: Found) -> str:
    measured = [f"{name} {found.versions[name]}" for name in found.programs]
    said = f"Peers: {', '.join(measured)}.\n" if measured else "No peer was measured.\n"
    return said + "".join(f"Not measured: {name} ({reason}).\n" for name, reason in found.missing.items())


def _table(rows: Sequence[Row], results: Sequence[Result]) -> str:
    cells = {result.row.name: result.cells for result in results}
    lacking = ("", "", "", "", "", "not measured")
    found = [cells.get(row.name, (row.name, *lacking)) for row in rows]
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *found]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _notes(results: Sequence[Result]) -> str:
    return "".join(f"- {result.row.name}: {result.note}\n" for result in results if result.note)
