"""What removing a worker costs: against `git worktree remove` and the deletion of its branch."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.measure import Costs, Work, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, compared
from tests.bench.stage import Stage

SMALL = Row("remove a worker, 1,000 files", Goal(1.3, (("git", 1.0), ("I", 1.0))))
LARGE = Row("remove a worker, 20,000 files", Goal(1.0, (("git", 1.0),)))


def removing(stage: Stage) -> Iterator[Result]:
    """Remove a clean worktree of 1,000 files, then one of 20,000, each with its branch."""
    for row, files, rounds in ((SMALL, stage.size(1_000, 50), 11), (LARGE, stage.size(20_000, 100), 5)):
        yield compared(row, _remove(stage, files, rounds), peers=("worktree-aid",))


def _remove(stage: Stage, files: int, rounds: int) -> Costs:
    ours, gits = stage.repository(f"ours-{files}", files), stage.plain(f"git-{files}", files)
    aids, place, aid = gits, stage.root / f"worktrees-{files}", stage.peers.get("worktree-aid")
    where = ("-P", f"{place}/aid/{{worktree}}")

    def agent(number: int) -> None:
        stage.run("git-agent", "rm", str(number + 1), cwd=ours)

    def git(number: int) -> None:
        stage.run("git", "worktree", "remove", place / f"b{number}", cwd=gits)
        stage.run("git", "branch", "--quiet", "-d", f"b{number}", cwd=gits)

    def prepare(number: int) -> None:
        """Make the worktrees that the next round removes."""
        stage.run("git-agent", "spawn", f"Task {number + 1}", cwd=ours)
        stage.run("git-agent", "cancel", str(number + 2), cwd=ours)
        name = f"b{number + 1}"
        stage.run("git", "worktree", "add", "--quiet", "-b", name, place / name, cwd=gits)
        if aid:
            stage.run(aid, *where, "add", "-c", f"aid{number + 1}", cwd=aids)

    prepare(-1)
    works: dict[str, Work] = {OURS: agent, "git": git, "I": stage.imports()}
    if aid:
        works["worktree-aid"] = lambda number: stage.run(aid, *where, "rm", f"aid{number}", cwd=aids)
    return in_turns(works, rounds=stage.rounds(rounds), after=prepare)


BENCHMARKS = {"remove": Benchmark((SMALL, LARGE), removing)}
