"""Workers with real worktrees, busy or quiet, for the benchmarks.

Run as `python -m tests.bench.crew COUNT` in a repository, it does what so many `git agent spawn` do, in one process:
300 of them take a quarter of the time of 300 commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.bench.stage import Stage

HOUR_S = 3600
_ROOT = Path(__file__).parents[2]


def hire(stage: Stage, repository: Path, count: int) -> list[Path]:
    """Spawn tasks, let each worker commit once and beat, and let git agent take notice; return the worktrees."""
    command = [sys.executable, "-m", "tests.bench.crew", str(count)]
    env = {**stage.env, "PYTHONPATH": str(_ROOT)}
    made = subprocess.run(command, cwd=repository, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout
    trees = [Path(line) for line in made.splitlines()]
    for tree in trees:
        stage.commit(tree, f"own-{tree.name}.txt")
    busy(stage, repository)
    return trees


def busy(stage: Stage, repository: Path) -> None:
    """Let every worker have made progress just now, and reconcile."""
    stage.run("git-agent", "list", cwd=repository)
    _set_leases(repository, 0)


def quiet(stage: Stage, repository: Path, trees: list[Path]) -> None:
    """Let nobody have made progress for an hour, neither in the store nor in files, and report those workers."""
    stage.run("git-agent", "list", cwd=repository)
    for tree in trees:
        _age(tree)
    for name in ("worktrees", "git-agent/beat"):
        _age(repository / ".git" / name)
    _set_leases(repository, HOUR_S)
    if "no progress" not in stage.run("git-agent", "log", cwd=repository):
        raise SystemExit("the quiet workers of the benchmark are not quiet")


def _age(directory: Path) -> None:
    past = time.time() - 2 * HOUR_S
    for folder, _, files in os.walk(directory):
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            os.utime(path, (past, past), follow_symlinks=False)


def _set_leases(repository: Path, age_s: float) -> None:
    from git_agent.store.store import Store

    at = int((time.time() - age_s) * 1000)
    store = Store.open(str(repository / ".git" / "git-agent"), create=False)
    with store.transaction():
        store.sql("UPDATE lease SET beat_at = ?, progress_at = ?", (at, at))
    store.close()


def main() -> None:
    """Spawn as many tasks as the command line says; print their worktrees."""
    from git_agent.actions.attempts.spawn import spawn
    from git_agent.app import App
    from git_agent.domain.spec import TaskSpec

    for number in range(int(sys.argv[1])):
        app = App()
        print(spawn(app, TaskSpec(title=f"Task {number}")).worktree)
        app.store.close()


if __name__ == "__main__":
    main()
