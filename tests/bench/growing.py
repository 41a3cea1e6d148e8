"""What a long history costs: each command with it against the same without. What holds must go on to hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench import crew, history
from tests.bench.measure import differences, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, absolute, compared
from tests.bench.stage import Stage

_WITHOUT = (("without", 1.0),)
_WORKERS = 10
_VERBS = ("list", "status", "show", "log")


def _rows(what: str, verbs: tuple[str, ...], most: float = 1.1) -> dict[str, Row]:
    return {verb: Row(f"{verb}, {what}", Goal(most, _WITHOUT)) for verb in verbs}


REFS = _rows("10,000 loose refs", ("list", "show", "spawn"))
FINISHED = _rows("10,000 finished tasks", (*_VERBS, "spawn"))
EVENTS = _rows("1,000,000 events", (*_VERBS, "send"))
MESSAGES = _rows("100,000 open messages", ("list", "show", "send"))
UNREAD = Row("status, 100,000 open messages: more", Goal(34, unit="ms"))
FILES = _rows("20,000 files instead of 50", ("list", "show", "status"))


def _pair(stage: Stage, files: int = 50) -> tuple[Path, Path]:
    """Make two repositories with workers in each; return the one that will grow and the one that stays."""
    places = stage.repository("grown", files), stage.repository("small", 50)
    for place in places:
        crew.hire(stage, place, stage.size(_WORKERS, 2))
        stage.run("git", "config", "agent.messageRate", "0", cwd=place)
    return places


def _compared(stage: Stage, rows: dict[str, Row], grown: Path, small: Path) -> Iterator[Result]:
    words = {"show": ("2",), "send": ("2", "Please rebase"), "spawn": ("Another task",)}
    for verb, row in rows.items():
        rounds = stage.rounds(5 if verb == "spawn" else 9)
        works = {
            name: stage.work("git-agent", verb, *words.get(verb, ()), cwd=place)
            for name, place in ((OURS, grown), ("without", small))
        }
        yield compared(row, in_turns(works, rounds=rounds))


def refs(stage: Stage) -> Iterator[Result]:
    """10,000 branches and tags of others, each a file of its own."""
    grown, small = _pair(stage)
    oid, half = stage.run("git", "rev-parse", "main", cwd=grown), stage.size(5_000, 50)
    names = [f"refs/{kind}/other/{at}" for kind in ("heads", "tags") for at in range(half)]
    made = "".join(f"create {name} {oid}\n" for name in names)
    stage.run("git", "update-ref", "--stdin", cwd=grown, stdin=made.encode())
    yield from _compared(stage, REFS, grown, small)


def finished(stage: Stage) -> Iterator[Result]:
    """10,000 finished tasks."""
    grown, small = _pair(stage)
    history.add_tasks(stage, grown, stage.size(10_000, 100))
    yield from _compared(stage, FINISHED, grown, small)


def events(stage: Stage) -> Iterator[Result]:
    """A million events about 1,000 finished tasks and the live ones."""
    grown, small = _pair(stage)
    for place in (grown, small):
        history.add_tasks(stage, place, stage.size(1_000, 10))
    history.add_events(grown, stage.size(1_000_000, 1_000))
    history.add_events(small, 1_000)
    yield from _compared(stage, EVENTS, grown, small)


def messages(stage: Stage) -> Iterator[Result]:
    """100,000 messages that nobody has acknowledged."""
    grown, small = _pair(stage)
    history.add_messages(grown, stage.size(100_000, 100))
    yield from _compared(stage, MESSAGES, grown, small)
    works = {name: stage.work("git-agent", "status", cwd=place) for name, place in ((OURS, grown), ("without", small))}
    yield absolute(UNREAD, differences(in_turns(works, rounds=stage.rounds(11)), OURS, "without", 1), "ms")


def files(stage: Stage) -> Iterator[Result]:
    """A large repository."""
    yield from _compared(stage, FILES, *_pair(stage, stage.size(20_000, 200)))


BENCHMARKS = {
    "refs": Benchmark(tuple(REFS.values()), refs),
    "finished": Benchmark(tuple(FINISHED.values()), finished),
    "events": Benchmark(tuple(EVENTS.values()), events),
    "many-messages": Benchmark((*MESSAGES.values(), UNREAD), messages),
    "files": Benchmark(tuple(FILES.values()), files),
}
