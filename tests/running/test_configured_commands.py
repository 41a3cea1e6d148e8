"""A configured command that can't run is refused before anything is made, and `~` means home as in a shell."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sandbox import Sandbox


def configure(repo: Sandbox, command: str) -> None:
    repo.git("config", "agent.run.tester", command)
    repo.git("config", "agent.defaultAgent", "tester")


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def mine() -> Path:
    return Path(os.environ["HOME"])


@pytest.mark.parametrize("word", ["~/bin/helper", "env ~/bin/helper", "sh ~/bin/helper"])
def test_a_tilde_is_the_home_directory(repo: Sandbox, mine: Path, word: str) -> None:
    executable(mine / "bin/helper", "echo done >out && git add out && git commit -qm out")
    configure(repo, word)
    repo.agent("spawn", "Work")
    repo.agent("run", "1")
    assert repo.tasks()[1]["state"] == "IN_REVIEW"


@pytest.mark.parametrize("command", ["~/bin/missing", "/nowhere/at/all", "FOO=1 sleep 1", "missing-program"])
@pytest.mark.parametrize("words", [("spawn", "Work", "--run"), ("run", "--detach")])
def test_nothing_is_left_behind_by_a_command_that_can_not_run(
    repo: Sandbox, command: str, words: tuple[str, ...]
) -> None:
    if words[0] == "run":
        repo.agent("add", "Work")
    configure(repo, command)
    assert "hint: " in repo.agent(*words, exit=1).err
    assert [task["state"] for task in repo.tasks().values()] in ([], ["OPEN"])
    assert repo.git("branch", "--list", "agent/*") == ""


@pytest.mark.parametrize("how", ["configured", "typed"])
def test_a_variable_is_set_with_env(repo: Sandbox, how: str) -> None:
    repo.agent("spawn", "Work")
    configure(repo, "FOO=1 BAR='a b' sleep 1")
    typed = ("--", "FOO=1", "BAR=a b", "sleep", "1") if how == "typed" else ()
    said = repo.agent("run", "1", *typed, exit=1).err
    assert "no shell reads this" in said and "env FOO=1 'BAR=a b' sleep 1" in said


def test_a_file_that_may_not_be_executed_is_named(repo: Sandbox, mine: Path) -> None:
    executable(mine / "bin/helper", "true").chmod(0o644)
    configure(repo, "~/bin/helper")
    assert f"'{mine}/bin/helper' is not an executable program" in repo.agent("spawn", "Work", "--run", exit=1).err
