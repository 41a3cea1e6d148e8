"""What a change of state costs: heartbeat, done and approve, each a whole command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench import crew
from tests.bench.measure import Work, in_turns
from tests.bench.peers import state_change
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, compared
from tests.bench.stage import Stage

ROUNDS = 15
_FILES = 200


def _goal(most: float) -> Goal:
    return Goal(most, (("I", 1.0),))


HEARTBEAT, DONE, APPROVE = Row("heartbeat", _goal(1.0)), Row("done", _goal(1.6)), Row("approve", _goal(1.25))


def changing(stage: Stage) -> Iterator[Result]:
    """Let each worker beat, then hand in, then have its work approved."""
    repository, rounds = stage.repository("changing", _FILES), stage.rounds(ROUNDS)
    trees = crew.hire(stage, repository, rounds + 1)
    theirs = state_change(stage, stage.plain("theirs"))
    runs = {
        HEARTBEAT: lambda number: stage.run("git-agent", "heartbeat", cwd=trees[number]),
        DONE: lambda number: stage.run("git-agent", "done", cwd=trees[number]),
        APPROVE: lambda number: stage.run("git-agent", "approve", _task(trees[number]), cwd=repository),
    }
    for row, run in runs.items():
        works: dict[str, Work] = {OURS: run, "I": stage.imports(), **theirs}
        yield compared(row, in_turns(works, rounds=rounds), peers=tuple(theirs))


def _task(tree: Path) -> str:
    return tree.name.partition("-")[0]


BENCHMARKS = {"change": Benchmark((HEARTBEAT, DONE, APPROVE), changing)}
