"""What `spawn` adds to `git worktree add`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage


def spawning(stage: Stage) -> Iterator[str]:
    """Make a worktree of 20,000 files, and of 200."""
    yield _spawn(stage, 20_000, rounds=9, target=1.25)
    yield _spawn(stage, 200, rounds=7, target=None)


def _spawn(stage: Stage, files: int, *, rounds: int, target: float | None) -> str:
    repository = stage.repository(f"files-{files}", files)
    ours, gits = stage.root / f"files-{files}.worktrees", stage.root / "plain"

    def agent(number: int) -> None:
        stage.run("git", "agent", "spawn", f"Task {number}", cwd=repository)

    def git(number: int) -> None:
        stage.run("git", "worktree", "add", "--quiet", "-b", f"b{number}", gits / str(number), cwd=repository)

    def after(_: int) -> None:
        shutil.rmtree(ours)
        shutil.rmtree(gits)

    return line(f"spawn / worktree add, {files:,} files", paired(agent, git, rounds=rounds, after=after), target)


BENCHMARKS = {"spawn": spawning}
