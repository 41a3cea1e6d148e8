"""The race for the queue: 12 processes claim all open tasks, through the store's rules and with bare statements."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from git_agent.actions.attempts.claim import _try_next
from git_agent.app import App
from git_agent.store.sql import NOW
from tests.bench import history
from tests.bench.correspondents import Work, at_once, open_database
from tests.bench.measure import Cost
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, compared
from tests.bench.stage import Stage

_PROCESSES = 12
_GOAL = Goal(5, (("bare", 1.0),))
RACE = Row("12 claimers and 400 open tasks, store alone", _GOAL)
LONG = Row("12 claimers and 4,000 open tasks, store alone", _GOAL)
_NEXT = """SELECT id FROM task WHERE state = 'OPEN' AND id NOT IN (SELECT task FROM intent)
    ORDER BY priority, id LIMIT 1"""
_INTENT = f"""INSERT INTO intent (kind, task, data, host, boot_id, pid, pid_start, at)
    VALUES ('spawn', ?, '{{}}', 'here', 'boot', ?, 1, {NOW})"""


def racing(stage: Stage) -> Iterator[Result]:
    """Claim them all; each is claimed once, or the row fails."""
    for row, count, rounds in ((RACE, stage.size(400, 24), 3), (LONG, stage.size(4_000, 48), 1)):
        repository = stage.repository(f"queue-{count}")
        history.add_tasks(stage, repository, count, "OPEN")
        costs: dict[str, list[Cost]] = {OURS: [], "bare": []}
        for _ in range(stage.rounds(rounds)):
            for name, claimer in ((OURS, _ours), ("bare", _bare)):
                place = stage.root / "race"
                shutil.copytree(repository, place)
                costs[name].append(Cost(_race(place, claimer, count), 0.0))
                shutil.rmtree(place)
        yield compared(row, costs)


def _race(place: Path, claimer: Callable[[Path], Work], count: int) -> float:
    seconds, told = at_once([lambda: claimer(place)] * _PROCESSES)
    claimed: Sequence[int] = [answer["claimed"] for answer in told if not isinstance(answer, str)]
    if sum(claimed) != count:
        raise SystemExit(f"{count} tasks, of which {sum(claimed)} were claimed: {told[0]}")
    return seconds


def _ours(place: Path) -> Work:
    os.chdir(place)
    app = App()
    _ = app.config, app.speaker, app.store

    def work() -> dict[str, int]:
        claimed = 0
        while _try_next(app) is not None:
            claimed += 1
        return {"claimed": claimed}

    return work


def _bare(place: Path) -> Work:
    database = open_database(place / ".git/git-agent/agent.db")

    def work() -> dict[str, int]:
        claimed = 0
        while True:
            with database.transaction():
                found = database.rows(_NEXT, ())
                if not found:
                    return {"claimed": claimed}
                database.rows(_INTENT, (found[0][0], os.getpid()))
            claimed += 1

    return work


BENCHMARKS = {"claim": Benchmark((RACE, LONG), racing)}
