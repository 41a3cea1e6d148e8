"""What our hooks cost git, each command with them against the same without, in turns; and how soon the store knows."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measure import Work, in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, absolute, compared
from tests.bench.stage import Stage

COMMITS, PUSHES, REBASES, FETCHES, LOOKS = 100, 25, 5, 7, 7
_PICKED, _REFS = 100, 2000
_EMPTY = (("empty hook", 1.0),)
_BARE = (("no hook", 1.0),)
COMMIT = Row("commit, hooks against an empty sh hook", Goal(1.15, _EMPTY))
BARE_COMMIT = Row("commit, hooks against none", Goal(1.35, _BARE))
REBASE = Row("rebase of 100 commits", Goal(1.1, _EMPTY))
PUSH = Row("push of one commit", Goal(1.1, _EMPTY))
BARE_PUSH = Row("push of one commit: more than without hooks", Goal(2, unit="ms"))
FETCH = Row("fetch of 2,000 refs", Goal(1.05, _EMPTY))
AWARE = {
    "push": Row("IN_REVIEW after git push returned", Goal(1, unit="s")),
    "merge": Row("COMPLETED after git merge returned", Goal(1, unit="s")),
}


def _pair(stage: Stage, name: str) -> tuple[Path, Path]:
    """Make two repositories with a worker's worktree and a remote each, one with our hooks; return the worktrees."""
    found = []
    for hooks in (True, False):
        path = stage.repository(f"{name}-{'with' if hooks else 'without'}")
        forge = stage.root / f"{path.name}.git"
        stage.run("git", "clone", "--quiet", "--bare", path, forge)
        stage.run("git", "remote", "add", "origin", forge, cwd=path)
        if not hooks:
            stage.run("git-agent", "init", "--no-hooks", cwd=path)
        where = Path(stage.run("git-agent", "spawn", "Work", cwd=path).splitlines()[-1])
        stage.run("git", "commit", "--quiet", "--allow-empty", "-m", "Begin", cwd=where)
        found.append(where)
    time.sleep(1)  # the first commit has git looked at
    return found[0], found[1]


def _empty_hook(stage: Stage, where: Path, name: str) -> None:
    hook = Path(stage.run("git", "rev-parse", "--path-format=absolute", "--git-path", f"hooks/{name}", cwd=where))
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)


def _works(stage: Stage, ours: Path, other: Path, name: str, words: tuple[str, ...]) -> dict[str, Work]:
    return {OURS: stage.work("git", *words, cwd=ours), name: stage.work("git", *words, cwd=other)}


def commit(stage: Stage) -> Iterator[Result]:
    """An empty commit in a worker's worktree; what an empty hook costs is git's, to start any program at all."""
    ours, plain = _pair(stage, "commit")
    words, rounds = ("commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", "Empty"), stage.rounds(COMMITS)
    works = _works(stage, ours, plain, "no hook", words)
    yield compared(BARE_COMMIT, in_turns(works, rounds=rounds, warm_up=5))
    _empty_hook(stage, plain, "post-commit")
    works = _works(stage, ours, plain, "empty hook", words)
    yield compared(COMMIT, in_turns(works, rounds=rounds, warm_up=5))


def rebase(stage: Stage) -> Iterator[Result]:
    """A rebase of 100 commits, against the same with an empty post-commit hook in sh."""
    ours, plain = _pair(stage, "rebase")
    _empty_hook(stage, plain, "post-commit")
    picked = stage.size(_PICKED, 5)
    for where in (ours, plain):
        for number in range(picked):
            stage.commit(where, f"file{number % 10}", f"{number}\n")
    works = _works(stage, ours, plain, "empty hook", ("rebase", "--quiet", "--force-rebase", f"HEAD~{picked}"))
    yield compared(REBASE, in_turns(works, rounds=stage.rounds(REBASES)))


def push(stage: Stage) -> Iterator[Result]:
    """A push of one new commit; what our background check does meanwhile counts, too."""
    ours, plain = _pair(stage, "push")

    def again(number: int) -> None:
        time.sleep(0.4)  # until the background check of the last push has ended
        for where in (ours, plain):
            stage.run("git", "commit", "--quiet", "--allow-empty", "-m", f"More {number}", cwd=where)

    words, rounds = ("push", "--quiet", "origin", "HEAD"), stage.rounds(PUSHES)
    bare = in_turns(_works(stage, ours, plain, "no hook", words), rounds=rounds, after=again)
    _empty_hook(stage, plain, "pre-push")
    empty = in_turns(_works(stage, ours, plain, "empty hook", words), rounds=rounds, after=again)
    yield compared(PUSH, empty)
    over = [(one.seconds - 1.1 * two.seconds) * 1000 for one, two in zip(bare[OURS], bare["no hook"], strict=True)]
    yield absolute(BARE_PUSH, over, "ms", note="beyond 1.1 times the push without hooks")


def fetch(stage: Stage) -> Iterator[Result]:
    """A fetch of 2,000 new refs into the main worktree."""
    _pair(stage, "fetch")
    ours, plain = stage.root / "fetch-with", stage.root / "fetch-without"
    _empty_hook(stage, plain, "post-merge")
    for place in (ours, plain):
        forge = stage.root / f"{place.name}.git"
        oid = stage.run("git", "rev-parse", "HEAD", cwd=forge)
        made = "".join(f"create refs/heads/f/{number} {oid}\n" for number in range(stage.size(_REFS, 20)))
        stage.run("git", "update-ref", "--stdin", cwd=forge, stdin=made.encode())

    def clear(_: int) -> None:
        for place in (ours, plain):
            listed = stage.run("git", "for-each-ref", "--format=delete %(refname)", "refs/remotes", cwd=place)
            stage.run("git", "update-ref", "--stdin", cwd=place, stdin=f"{listed}\n".encode())

    works = _works(stage, ours, plain, "empty hook", ("fetch", "--quiet", "origin"))
    yield compared(FETCH, in_turns(works, rounds=stage.rounds(FETCHES), after=clear))


def prompt(stage: Stage) -> Iterator[Result]:
    """How long after git returned the store has the new state, with no other command."""
    _pair(stage, "prompt")
    place, looks = stage.root / "prompt-with", range(stage.rounds(LOOKS))
    pushed = [_until(stage, place, number, ("push", "--quiet", "origin", "HEAD"), None) for number in looks]
    yield absolute(AWARE["push"], pushed, "s")
    merged = [_until(stage, place, number, ("merge", "--quiet", "--no-edit"), place) for number in looks]
    yield absolute(AWARE["merge"], merged, "s")


def _until(stage: Stage, place: Path, number: int, words: tuple[str, ...], cwd: Path | None) -> float:
    from git_agent.store.sqlite import apsw

    where = Path(stage.run("git-agent", "spawn", f"Task {words[0]} {number}", cwd=place).splitlines()[-1])
    (where / f"{words[0]}{number}").write_text("work\n")
    stage.run("git", "add", "--all", cwd=where)
    stage.run("git", "commit", "--quiet", "-m", "Work", cwd=where)
    time.sleep(0.7)
    branch = stage.run("git", "symbolic-ref", "--short", "HEAD", cwd=where)
    command = ["git", *words, *([branch] if cwd else [])]
    subprocess.run(command, cwd=cwd or where, env=stage.env, check=True, capture_output=True)
    began = time.monotonic()
    connection = apsw.Connection(f"{place}/.git/git-agent/agent.db", flags=apsw.SQLITE_OPEN_READONLY)
    wanted = "COMPLETED" if cwd else "IN_REVIEW"
    try:
        while time.monotonic() - began < 10:
            rows = list(connection.execute("SELECT state FROM task WHERE branch = ?", (branch,)))
            if rows == [(wanted,)]:
                break
            time.sleep(0.01)
        return time.monotonic() - began
    finally:
        connection.close()


BENCHMARKS = {
    "hooks-commit": Benchmark((BARE_COMMIT, COMMIT), commit),
    "hooks-rebase": Benchmark((REBASE,), rebase),
    "hooks-push": Benchmark((PUSH, BARE_PUSH), push),
    "hooks-fetch": Benchmark((FETCH,), fetch),
    "hooks-prompt": Benchmark(tuple(AWARE.values()), prompt),
}
