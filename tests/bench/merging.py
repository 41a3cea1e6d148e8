"""What `merge` adds to `git merge`, `git worktree remove` and `git branch -d`, for one task and for a queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench import crew
from tests.bench.measure import in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, compared
from tests.bench.stage import Stage

_GIT, _GIT_I = (("git", 1.0),), (("git", 1.0), ("I", 1.0))
_WARM_UP = 1
SMALL = Row("merge one, 200 files", Goal(1.5, _GIT_I))
LARGE = Row("merge one, 5,000 files", Goal(1.6, _GIT))
QUEUE = Row("merge --all of 10, 200 files", Goal(1.5, _GIT_I))


def merging(stage: Stage) -> Iterator[Result]:
    """Merge one task in a repository of 200 files and of 5,000, and ten at once."""
    yield _compared(stage, SMALL, 200, at_once=1, rounds=9)
    yield _compared(stage, LARGE, stage.size(5_000, 300), at_once=1, rounds=7)
    yield _compared(stage, QUEUE, stage.size(200, 20), at_once=stage.size(10, 2), rounds=4)


def _compared(stage: Stage, row: Row, files: int, *, at_once: int, rounds: int) -> Result:
    """Both make merge commits in a checked-out base, remove clean worktrees, and delete the branches."""
    agents, gits = stage.repository(f"agents-{files}-{at_once}", files), stage.plain(f"gits-{files}-{at_once}", files)
    rounds = stage.rounds(rounds)
    first = crew.hire(stage, agents, at_once * (_WARM_UP + rounds if at_once == 1 else 1))
    plain = stage.root / f"plain-{files}-{at_once}"
    for number in range(len(first)):
        _branch(stage, gits, plain, number)
    _approve(stage, agents, range(1, len(first) + 1))

    def agent(number: int) -> None:
        words = (str(number + 1),) if at_once == 1 else ("--all",)
        stage.run("git-agent", "merge", *words, cwd=agents)

    def git(number: int) -> None:
        for each in range(number * at_once, (number + 1) * at_once):
            stage.run("git", "merge", "--quiet", "--no-ff", "--no-edit", f"b{each}", cwd=gits)
            stage.run("git", "worktree", "remove", plain / str(each), cwd=gits)
            stage.run("git", "branch", "--quiet", "-d", f"b{each}", cwd=gits)

    def more(number: int) -> None:
        """Prepare what the next round of a queue merges."""
        if at_once > 1:
            begin = (number + 1) * at_once
            crew.hire(stage, agents, at_once)
            _approve(stage, agents, range(begin + 1, begin + at_once + 1))
            for each in range(begin, begin + at_once):
                _branch(stage, gits, plain, each)

    works = {OURS: agent, "git": git, "I": stage.imports()}
    return compared(row, in_turns(works, rounds=rounds, warm_up=_WARM_UP, after=more))


def _approve(stage: Stage, repository: Path, tasks: Sequence[int]) -> None:
    for task in tasks:
        stage.run("git-agent", "done", str(task), cwd=repository)
        stage.run("git-agent", "approve", str(task), cwd=repository)


def _branch(stage: Stage, repository: Path, plain: Path, number: int) -> None:
    where = plain / str(number)
    stage.run("git", "worktree", "add", "--quiet", "-b", f"b{number}", where, cwd=repository)
    stage.commit(where, f"plain-{number}.txt")


BENCHMARKS = {"merge": Benchmark((SMALL, LARGE, QUEUE), merging)}
