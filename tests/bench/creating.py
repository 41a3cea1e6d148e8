"""What creating a worker costs: against `git worktree add`, alone and many at once."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

from tests.bench.measure import Costs, Work, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, absolute, compared, compared_cpu
from tests.bench.stage import Stage

_CORES = os.cpu_count() or 1
_AT_ONCE = 24
_GIT, _GIT_I = (("git", 1.0),), (("git", 1.0), ("I", 1.0))
SMALL = Row("create a worker, 1,000 files", Goal(1.3, _GIT_I))
LARGE = Row("create a worker, 20,000 files", Goal(1.05, _GIT))
CPU = Row("create a worker, 20,000 files: processor time", Goal(1.4, _GIT))
CROWD = Row("24 workers created at once, 1,000 files", Goal(1.3, (("git", 1.0), ("I", _AT_ONCE / _CORES))))
MEMORY = {
    "list": Row("memory of list", Goal(30, unit="MB")),
    "spawn": Row("memory of spawn", Goal(45, unit="MB")),
}
_MEASURED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def alone(stage: Stage) -> Iterator[Result]:
    """Make one worktree of 1,000 files, then one of 20,000."""
    yield compared(SMALL, _create(stage, stage.size(1_000, 50), 11), peers=("worktree-aid",))
    costs = _create(stage, stage.size(20_000, 100), 5)
    yield compared(LARGE, costs, peers=("worktree-aid",))
    yield compared_cpu(CPU, costs)


def _create(stage: Stage, files: int, rounds: int, *, count: int = 1) -> Costs:
    """Let each contender make some worktrees at once, in a repository of its own."""
    name = f"{files}-{count}"
    ours, gits = stage.repository(f"ours-{name}", files), stage.plain(f"git-{name}", files)
    places = {"git": stage.root / f"by-git-{name}", "worktree-aid": stage.root / f"by-aid-{name}"}
    numbered = [f"n{each}" for each in range(count)]

    def agent(number: int) -> None:
        stage.all_at_once([("git-agent", "spawn", f"Task {number} {each}") for each in numbered], ours)

    def git(number: int) -> None:
        words = ("git", "worktree", "add", "--quiet", "-B")
        branches = [f"b{number}{each}" for each in numbered]
        stage.all_at_once([(*words, branch, places["git"] / branch) for branch in branches], gits)

    works: dict[str, Work] = {OURS: agent, "git": git, "I": stage.imports()}
    if aid := stage.peers.get("worktree-aid"):
        aids, where = stage.plain(f"aid-{name}", files), ("-P", f"{places['worktree-aid']}/{{worktree}}")

        def peer(number: int) -> None:
            commands = [(aid, *where, "add", "-c", f"b{number}{each}") for each in numbered]
            stage.all_at_once(commands, aids)

        works["worktree-aid"] = peer

    def after(_: int) -> None:
        for place in (stage.root / f"ours-{name}.worktrees", *places.values()):
            shutil.rmtree(place, ignore_errors=True)

    return in_turns(works, rounds=stage.rounds(rounds), after=after)


def crowd(stage: Stage) -> Iterator[Result]:
    """24 at once, as a script does that starts as many agents."""
    costs = _create(stage, stage.size(1_000, 20), 4, count=stage.size(_AT_ONCE, 3))
    yield compared(CROWD, costs, peers=("worktree-aid",))


def memory(stage: Stage) -> Iterator[Result]:
    """The most memory that a command, or a program that it starts, has at a time."""
    repository = stage.repository("memory", stage.size(1_000, 20))
    for verb, row in MEMORY.items():
        words = (verb, "Another task") if verb == "spawn" else (verb,)
        # A process of its own: a child counts what its parent has when it is started, and this one has more.
        command = (sys.executable, "-I", "-S", "-c", _MEASURED, "git-agent", *words)
        used = [int(stage.run(*command, cwd=repository)) / 1000 for _ in range(stage.rounds(3))]
        yield absolute(row, used, "MB")


BENCHMARKS = {
    "create": Benchmark((SMALL, LARGE, CPU), alone),
    "create-24": Benchmark((CROWD,), crowd),
    "memory": Benchmark(tuple(MEMORY.values()), memory),
}
