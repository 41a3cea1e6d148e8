"""Hooks in a directory that is not committed, such as husky's, are silent in new worktrees: this is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox

STUB = """#!/usr/bin/env sh
. "$(dirname "$0")/h"
"""
H = """#!/usr/bin/env sh
sh -e "$(dirname "$(dirname "$0")")/$(basename "$0")" "$@"
exit $?
"""
SAID = "your hooks in .husky/_ do not run in "
HELPS = "git config --add agent.link .husky/_"


def _husky(repo: Sandbox) -> None:
    """Lay out what husky 9 makes: tracked hooks in .husky, and stubs that run them in .husky/_, which is ignored."""
    repo.commit(None, ".husky/pre-commit", 'echo theirs >> "$NOTES"\n', "Add a hook")
    repo.write(".husky/_/.gitignore", "*\n")
    for name, text in (("h", H), ("pre-commit", STUB)):
        repo.write(f".husky/_/{name}", text).chmod(0o755)
    repo.git("config", "core.hooksPath", ".husky/_")
    repo.agent("init")


@pytest.fixture
def husky(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _husky)


def spawned(repo: Sandbox, title: str = "Fix login") -> tuple[Path, str]:
    """Spawn a task; return its worktree and what was said."""
    said = repo.agent("spawn", title)
    return Path(said.out.strip()), said.err


def test_spawn_says_it_and_its_command_lets_the_hooks_of_the_next_worktree_run(husky: Sandbox) -> None:
    first, said = spawned(husky)
    assert f"{SAID}{first}, which has no such directory; for new worktrees: {HELPS}\n" in said
    husky.run("sh", "-c", HELPS)
    second, said = spawned(husky, "Write docs")
    assert SAID not in said
    notes = husky.path.parent / "notes"
    for where in (first, second):
        husky.write("1.txt", "x\n", cwd=where)
        husky.git("add", "1.txt", cwd=where)
        husky.run("git", "commit", "--quiet", "--message", "Add one", cwd=where, env={"NOTES": str(notes)})
    assert notes.read_text() == "theirs\n"
    assert husky.git("status", "--porcelain", cwd=second) == ""


def test_hooks_says_it_here_and_in_the_worktree(husky: Sandbox) -> None:
    assert SAID not in husky.agent("hooks").out
    first, _ = spawned(husky)
    for cwd in (None, first):
        assert f"{SAID}{first}" in husky.agent("hooks", cwd=cwd).out
        [note] = husky.agent_json("hooks", cwd=cwd)["notes"]
        assert HELPS in note
    husky.write(".husky/_/pre-commit", STUB, cwd=first).chmod(0o755)
    assert husky.agent_json("hooks")["notes"] == []


def test_claim_and_a_setup_that_makes_the_directory(husky: Sandbox) -> None:
    husky.agent("add", "Fix login")
    assert SAID in husky.agent("claim").err
    husky.git("config", "agent.setup", 'mkdir -p .husky/_ && cp "$GIT_AGENT_MAIN_WORKTREE"/.husky/_/* .husky/_/')
    assert SAID not in spawned(husky, "Write docs")[1]


@pytest.mark.parametrize("path", ["absolute", "tracked", "empty", "missing"])
def test_nothing_is_said_of_hooks_that_run_or_are_not_there(repo: Sandbox, path: str) -> None:
    if path != "missing":
        (repo.path / "own").mkdir()
    if path in ("absolute", "tracked"):
        repo.write("own/pre-commit", "#!/bin/sh\n").chmod(0o755)
    if path == "tracked":
        repo.git("add", "own")
        repo.git("commit", "--quiet", "--message", "Add a hook")
    repo.git("config", "core.hooksPath", str(repo.path / "own") if path == "absolute" else "own")
    assert "your hooks in" not in spawned(repo)[1]


def test_nothing_is_said_where_only_ours_are(repo: Sandbox) -> None:
    repo.write(".gitignore", "own/\n")
    (repo.path / "own").mkdir()
    repo.git("config", "core.hooksPath", "own")
    repo.agent("init")
    assert "your hooks in" not in spawned(repo)[1]
