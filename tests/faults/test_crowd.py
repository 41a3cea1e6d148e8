"""Many workers commit and push at once, with hooks and background looks: all is seen, and nothing stays behind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.hooks.crowd import Scene, eventually, query, watched
from tests.sandbox import Sandbox, run_at_once

COMMITS = """\
cd "$0" && i=0
while [ $i -lt "$1" ]; do
    echo $i >mine && git add mine && git commit --quiet --message $i || exit
    i=$((i + 1))
done
"""


def crowd(repo: Sandbox, number: int) -> tuple[Scene, list[Path]]:
    """Give a repository with a forge to so many workers; return it, and where they are."""
    root = Path(os.path.realpath(repo.path.parent))
    scene = Scene(root, Sandbox(root / repo.path.name), Sandbox(root / "forge.git"))
    scene.sandbox.git("init", "--quiet", "--bare", str(scene.forge.path))
    scene.sandbox.git("remote", "add", "origin", str(scene.forge.path))
    scene.sandbox.agent("init")
    spawned = scene.sandbox.parallel([("spawn", f"Task {n}") for n in range(number)])
    assert [each.code for each in spawned] == [0] * number
    scene.sandbox.agent("list")
    scene.settles()
    return scene, [Path(row["worktree"]) for row in query(scene.agent, "select worktree from task order by id")]


def all_once(scene: Scene, kind: str, number: int) -> bool:
    rows = query(scene.agent, f"select task, count(*) as n from event where kind = '{kind}' group by task")
    return len(rows) == number and all(row["n"] == 1 for row in rows)


def states(scene: Scene) -> set[str]:
    return {row["state"] for row in query(scene.agent, "select state from task")}


def at_once(scene: Scene, commands: Sequence[Sequence[str | Path]]) -> None:
    """Run these at once; all succeed, and never do two processes look at git."""
    with watched(scene.agent / "drain.lock") as held:
        for result in run_at_once(commands):
            assert (result.code, result.err) == (0, ""), result
        scene.settles()
    assert held.most <= 1 and len(held.files) <= 1, held


@pytest.mark.rest
def test_workers_that_commit_and_push_at_once_are_all_seen_with_no_command(
    repo: Sandbox, every_step: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_AGENT_HOOKS")
    number, commits = (24, 100) if every_step else (6, 15)
    scene, workers = crowd(repo, number)
    at_once(scene, [("sh", "-c", COMMITS, where, str(commits)) for where in workers])
    for where in workers:
        assert repo.git("rev-list", "--count", "main..HEAD", cwd=where) == str(commits)
    assert states(scene) == {"WORKING"} and all_once(scene, "task.started", number)
    scene.sandbox.agent("list")
    leases = {row["task"]: row["progress_at"] for row in query(scene.agent, "select task, progress_at from lease")}
    for task, where in enumerate(workers, 1):
        committed = scene.sandbox.path / ".git/worktrees" / where.name / "logs/HEAD"
        assert leases[task] >= int(committed.stat().st_mtime * 1000), task
    at_once(scene, [("git", "-C", where, "push", "--quiet", "origin", "HEAD") for where in workers])
    eventually(lambda: states(scene) == {"IN_REVIEW"}, scene.told)
    assert all_once(scene, "task.pushed", number)
