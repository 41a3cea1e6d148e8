"""What the verbs of a task's life add to the plain git work in them; most of it is starting Python."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage

ROUNDS = 9


def verbs(stage: Stage) -> Iterator[str]:
    """heartbeat, status, done, approve and merge, one after the other on the same tasks."""
    repository = stage.repository("verbs", 200)
    trees = [_worked(stage, repository, number) for number in range(ROUNDS + 1)]
    plain = [_plain(stage, repository, number) for number in range(ROUNDS + 1)]

    def retire(number: int) -> None:
        stage.run("git", "merge", "--quiet", "--no-ff", "--no-edit", f"plain{number}", cwd=repository)
        stage.run("git", "worktree", "remove", plain[number], cwd=repository)
        stage.run("git", "branch", "--quiet", "-d", f"plain{number}", cwd=repository)

    compared = {
        "heartbeat / rev-parse": (
            True,
            "heartbeat",
            stage.work("git", "rev-parse", "--git-common-dir", cwd=repository),
        ),
        "status / for-each-ref": (False, "status", stage.work("git", "for-each-ref", "refs/heads", cwd=repository)),
        "done / git status": (True, "done", lambda n: stage.run("git", "status", "--porcelain", cwd=plain[n])),
        "approve / rev-parse": (False, "approve", lambda n: stage.run("git", "rev-parse", f"plain{n}", cwd=repository)),
        "merge / git merge, worktree remove": (False, "merge", retire),
    }
    for name, (inside, verb, second) in compared.items():

        def first(number: int, verb: str = verb, inside: bool = inside) -> None:
            task = () if inside or verb == "status" else (str(number + 1),)
            stage.run("git-agent", verb, *task, cwd=trees[number] if inside else repository)

        yield line(name, paired(first, second, rounds=ROUNDS), None)


def _worked(stage: Stage, repository: Path, number: int) -> Path:
    spawned = json.loads(stage.run("git-agent", "spawn", "--json", f"Task {number}", cwd=repository))
    tree = Path(spawned["task"]["worktree"])
    _commit(stage, tree, f"ours{number}")
    stage.run("git-agent", "start", cwd=tree)
    return tree


def _plain(stage: Stage, repository: Path, number: int) -> Path:
    tree = stage.root / "plain" / str(number)
    stage.run("git", "worktree", "add", "--quiet", "-b", f"plain{number}", tree, cwd=repository)
    _commit(stage, tree, f"plain{number}")
    return tree


def _commit(stage: Stage, tree: Path, name: str) -> None:
    (tree / name).write_text(f"{name}\n")
    stage.run("git", "add", name, cwd=tree)
    stage.run("git", "commit", "--quiet", "--message", name, cwd=tree)


BENCHMARKS = {"verbs": verbs}
