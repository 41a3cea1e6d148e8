"""What `list` costs with many workers, whatever they do, and what each further live task adds to a verb."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench import crew
from tests.bench.measure import Costs, Work, differences, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, absolute, compared
from tests.bench.stage import Stage

_I = (("I", 1.0),)
_FILES = 50
BUSY = Row("list, 100 busy workers", Goal(1.15, _I))
QUIET = Row("list, 100 quiet workers", Goal(1.15, _I))
MOVED = Row("list, 100 workers, after the base moved", Goal(1.15, _I))
TEN = Row("list, 10 workers", Goal(1.15, _I))
LISTED = Row("list: each further live task, 10 to 300", Goal(0.1, unit="ms"))
STATUS = Row("status: each further live task, 10 to 300", Goal(0.1, unit="ms"))
FIRST = Row("first command after the base moved, a task", Goal(1.0, unit="ms"))
SECOND = Row("second command after the base moved", Goal(1.1, (("before", 1.0),)))
ONE = {
    verb: Row(f"{verb}, 300 live tasks instead of 10", Goal(1.3, (("ten", 1.0),)))
    for verb in ("show", "heartbeat", "send", "spawn")
}


def hundred(stage: Stage) -> Iterator[Result]:
    """100 workers with a worktree each: busy, then with a base that moves before each command, then quiet."""
    repository, ten = stage.repository("hundred", _FILES), stage.repository("ten", _FILES)
    trees = crew.hire(stage, repository, stage.size(100, 5))
    crew.hire(stage, ten, stage.size(10, 2))
    works = {OURS: stage.work("git-agent", "list", cwd=repository), "I": stage.imports()}
    peers = [name for name in ("worktree-aid",) if name in stage.peers]
    theirs = {name: stage.work(stage.peers[name], "ls", cwd=repository) for name in peers}
    yield compared(BUSY, in_turns({**works, **theirs}, rounds=stage.rounds(15)), peers=peers)
    few = {**works, OURS: stage.work("git-agent", "list", cwd=ten)}
    yield compared(TEN, in_turns(few, rounds=stage.rounds(15)))
    yield compared(MOVED, in_turns(works, rounds=stage.rounds(11), after=_moves(stage, repository)))
    crew.quiet(stage, repository, trees)
    yield compared(QUIET, in_turns(works, rounds=stage.rounds(15)))


def _moves(stage: Stage, *repositories: Path) -> Work:
    """Commit to the base of each repository, without hooks: these would let the background check catch up first."""

    def move(number: int) -> None:
        for each in repositories:
            words = ("commit", "--quiet", "--allow-empty", "-m", f"Base {number}")
            stage.run("git", "-c", "core.hooksPath=/dev/null", *words, cwd=each)

    return move


def growing(stage: Stage) -> Iterator[Result]:
    """The same commands with 10 and with 300 workers."""
    few, many, more = stage.repository("few", _FILES), stage.repository("many", _FILES), stage.size(300, 6)
    ten = stage.size(10, 2)
    inside = {place: crew.hire(stage, place, count)[0] for place, count in ((few, ten), (many, more))}
    for row, verb in ((LISTED, "list"), (STATUS, "status")):
        costs = _both(stage, verb, few, many, rounds=15)
        yield absolute(row, differences(costs, OURS, "ten", more - ten), "ms")
    yield from _moved(stage, many, more)
    for verb, row in ONE.items():
        cwds = (inside[few], inside[many]) if verb == "heartbeat" else (few, many)
        yield compared(row, _both(stage, verb, *cwds, rounds=7 if verb == "spawn" else 15))


def _both(stage: Stage, verb: str, few: Path, many: Path, *, rounds: int) -> Costs:
    words = {"show": ("2",), "send": ("2", "Please rebase"), "spawn": ("Another task",)}.get(verb, ())
    works = {name: stage.work("git-agent", verb, *words, cwd=place) for name, place in ((OURS, many), ("ten", few))}
    stage.run("git", "config", "agent.messageRate", "0", cwd=few)
    stage.run("git", "config", "agent.messageRate", "0", cwd=many)
    return in_turns(works, rounds=stage.rounds(rounds))


def _moved(stage: Stage, repository: Path, live: int) -> Iterator[Result]:
    """Compare three commands in a row: before the base moves, the first and the second after it."""
    once, move = stage.work("git-agent", "list", cwd=repository), _moves(stage, repository)
    first, second = list[float](), list[Costs]()
    for number in range(stage.rounds(7)):
        before = in_turns({"before": once}, rounds=1, warm_up=1)
        move(1000 + number)
        moved = {**before, **in_turns({"first": once}, rounds=1, warm_up=0)}
        moved |= in_turns({OURS: once}, rounds=1, warm_up=0)
        first += differences(moved, "first", "before", live)
        second.append(moved)
    yield absolute(FIRST, first, "ms")
    yield compared(SECOND, {name: [cost for each in second for cost in each[name]] for name in (OURS, "before")})


BENCHMARKS = {
    "list": Benchmark((BUSY, TEN, MOVED, QUIET), hundred),
    "live": Benchmark((LISTED, STATUS, FIRST, SECOND, *ONE.values()), growing),
}
