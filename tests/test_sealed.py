"""The sealed world itself: what the person who runs the tests has set up must not reach them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.sandbox import Sandbox, run_at_once


def test_git_sees_only_the_configuration_of_the_tests(repo: Sandbox, home: Path) -> None:
    origins = repo.git("config", "--list", "--show-origin", "--name-only").splitlines()
    assert {origin.split("\t")[0] for origin in origins} == {f"file:{home}/.gitconfig", "file:.git/config"}
    assert repo.git("var", "GIT_AUTHOR_IDENT") == "Ada Lovelace <ada@example.org> 1767323045 +0000"


def test_no_repository_or_worker_of_outside_is_meant() -> None:
    leaked = [name for name in os.environ if name.startswith(("GIT_AGENT", "GIT_DIR", "GIT_INDEX", "XDG_"))]
    assert leaked == ["GIT_AGENT_HOOKS"]  # ours: nothing runs in the background unless a test wants it


def test_a_repository_is_clean_on_main_and_nobody_elses(repo: Sandbox, template: Path) -> None:
    assert repo.git("status", "--porcelain=v2", "--branch", "--ignored").splitlines()[1:] == ["# branch.head main"]
    repo.commit(None, "new.txt", "new\n")
    assert not (template / "new.txt").exists() and " " in repo.path.name


def test_commands_at_once_run_at_the_same_time_and_answer_in_order(tmp_path: Path) -> None:
    # Each waits for the other's file: one after the other they would never end.
    wait = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\n"
    wait += "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\nprint(sys.argv[1])"
    commands = [(sys.executable, "-c", wait, "a", "b"), (sys.executable, "-c", wait, "b", "a")]
    assert [result.out for result in run_at_once(commands, cwd=tmp_path)] == ["a\n", "b\n"]


def test_an_unexpected_exit_code_fails_with_both_outputs(repo: Sandbox) -> None:
    with pytest.raises(AssertionError, match=r"(?s)expected exit 0.*--- stdout.*--- stderr"):
        repo.agent("no-such-verb")
