"""What our hooks cost git, each command with them against the same without, in turns; and how soon the store knows."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage

COMMITS, PUSHES, REBASES, FETCHES, LOOKS = 300, 60, 9, 15, 15
_PICKED, _REFS = 100, 2000


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


def _empty_hook(stage: Stage, where: Path) -> None:
    hook = Path(stage.run("git", "rev-parse", "--path-format=absolute", "--git-path", "hooks/post-commit", cwd=where))
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)


def _git(stage: Stage, where: Path, *args: str) -> Callable[[int], None]:
    return stage.work("git", *args, cwd=where)


def commit(stage: Stage) -> Iterator[str]:
    """An empty commit in a worker's worktree; what an empty hook costs is git's, to start any program at all."""
    ours, plain = _pair(stage, "commit")
    words = ("commit", "--quiet", "--allow-empty", "--no-gpg-sign", "-m", "Empty")
    works = [_git(stage, where, *words) for where in (ours, plain)]
    yield line("commit, hooks / none", paired(*works, rounds=COMMITS, warm_up=5), 1.35)
    _empty_hook(stage, plain)
    yield line("commit, hooks / empty hook", paired(*works, rounds=COMMITS, warm_up=5), None)


def rebase(stage: Stage) -> Iterator[str]:
    """A rebase of 100 commits, against the same with an empty post-commit hook in sh."""
    ours, plain = _pair(stage, "rebase")
    _empty_hook(stage, plain)
    for where in (ours, plain):
        for number in range(_PICKED):
            (where / f"file{number % 10}").write_text(f"{number}\n")
            stage.run("git", "add", "--all", cwd=where)
            stage.run("git", "commit", "--quiet", "-m", f"Change {number}", cwd=where)
    works = [_git(stage, w, "rebase", "--quiet", "--force-rebase", f"HEAD~{_PICKED}") for w in (ours, plain)]
    yield line("rebase of 100, hooks / empty hook", paired(*works, rounds=REBASES), 1.1)


def push(stage: Stage) -> Iterator[str]:
    """A push of one new commit; what the looks in the background do meanwhile counts, too."""
    ours, plain = _pair(stage, "push")
    message = ("commit", "--quiet", "--allow-empty", "-m", "More")
    after = [_git(stage, where, *message) for where in (ours, plain)]
    works = [_git(stage, where, "push", "--quiet", "origin", "HEAD") for where in (ours, plain)]

    def again(number: int) -> None:
        time.sleep(0.5)
        for each in after:
            each(number)

    ratio = paired(*works, rounds=PUSHES, after=again)
    over = ratio.ms[0] - ratio.ms[1] * 1.1
    verdict = "met" if over <= 2 else "NOT MET"
    yield line("push, hooks / none", ratio, None) + f"  target 1.10 + 2 ms: {over:+.1f} ms  {verdict}"


def fetch(stage: Stage) -> Iterator[str]:
    """A fetch of 2,000 new refs into the main worktree."""
    _pair(stage, "fetch")
    ours, plain = stage.root / "fetch-with", stage.root / "fetch-without"
    for place in (ours, plain):
        forge = stage.root / f"{place.name}.git"
        oid = stage.run("git", "rev-parse", "HEAD", cwd=forge)
        made = "".join(f"create refs/heads/f/{number} {oid}\n" for number in range(_REFS))
        stage.run("git", "update-ref", "--stdin", cwd=forge, stdin=made.encode())

    def clear(_: int) -> None:
        for place in (ours, plain):
            listed = stage.run("git", "for-each-ref", "--format=delete %(refname)", "refs/remotes", cwd=place)
            stage.run("git", "update-ref", "--stdin", cwd=place, stdin=f"{listed}\n".encode())

    works = [_git(stage, place, "fetch", "--quiet", "origin") for place in (ours, plain)]
    yield line("fetch of 2,000 refs, hooks / none", paired(*works, rounds=FETCHES, after=clear), 1.05)


def prompt(stage: Stage) -> Iterator[str]:
    """How long after git returned the store has the new state, with no other command."""
    where, _ = _pair(stage, "prompt")
    place = stage.root / "prompt-with"
    for name, words, cwd in (
        ("IN_REVIEW after git push", ("push", "--quiet", "origin", "HEAD"), None),
        ("COMPLETED after git merge", ("merge", "--quiet", "--no-edit"), place),
    ):
        times = [_until(stage, place, number, words, cwd) for number in range(LOOKS)]
        verdict = "met" if max(times) <= 1 else "NOT MET"
        yield f"{name:<34}{statistics.median(times):6.2f} s, at most {max(times):.2f} s   target 1.00 s  {verdict}"
    del where


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
    "hooks-commit": commit,
    "hooks-rebase": rebase,
    "hooks-push": push,
    "hooks-fetch": fetch,
    "hooks-prompt": prompt,
}
