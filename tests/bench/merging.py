"""What `merge` adds to `git merge` and taking the worktree and the branch away, for one task and for a queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage

_WARM_UP = 1


def merging(stage: Stage) -> Iterator[str]:
    """Merge one task in a repository of 200 files and of 5,000, and eight at once."""
    yield _compared(stage, "merge / git merge, 200 files", 200, at_once=1, rounds=9, target=None)
    yield _compared(stage, "merge / git merge, 5,000 files", 5_000, at_once=1, rounds=5, target=None)
    yield _compared(stage, "merge of 8 / 8 git merge, 200 files", 200, at_once=8, rounds=3, target=None)


def _compared(stage: Stage, name: str, files: int, *, at_once: int, rounds: int, target: float | None) -> str:
    """Both make a merge commit in a checked-out base, remove a clean worktree, and delete a branch that is merged."""
    where = f"{files}-{at_once}"
    agents, gits = stage.repository(f"agents-{where}", files), stage.repository(f"gits-{where}", files)
    groups = [[n * at_once + k for k in range(1, at_once + 1)] for n in range(_WARM_UP + rounds)]
    for group in groups:
        for number in group:
            _approved(stage, agents, number)
            _branched(stage, gits, stage.root / f"plain-{where}" / str(number), number)

    def agent(number: int) -> None:
        stage.run("git", "agent", "merge", *map(str, groups[number]), cwd=agents)

    def git(number: int) -> None:
        for each in groups[number]:
            stage.run("git", "merge", "--quiet", "--no-ff", "--no-edit", f"b{each}", cwd=gits)
            stage.run("git", "worktree", "remove", stage.root / f"plain-{where}" / str(each), cwd=gits)
            stage.run("git", "branch", "--quiet", "-d", f"b{each}", cwd=gits)

    return line(name, paired(agent, git, rounds=rounds, warm_up=_WARM_UP), target)


def _approved(stage: Stage, repository: Path, number: int) -> None:
    where = Path(stage.run("git", "agent", "spawn", f"Task {number}", cwd=repository))
    _commit(stage, where, number)
    stage.run("git", "agent", "done", str(number), cwd=repository)
    stage.run("git", "agent", "approve", str(number), cwd=repository)


def _branched(stage: Stage, repository: Path, where: Path, number: int) -> None:
    stage.run("git", "worktree", "add", "--quiet", "-b", f"b{number}", where, cwd=repository)
    _commit(stage, where, number)


def _commit(stage: Stage, where: Path, number: int) -> None:
    (where / f"work-{number}").write_text(f"{number}\n")
    stage.run("git", "add", "--all", cwd=where)
    stage.run("git", "commit", "--quiet", "--message", f"Work {number}", cwd=where)


BENCHMARKS = {"merge": merging}
