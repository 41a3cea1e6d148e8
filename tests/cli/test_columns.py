"""Holds have a colour and a column of their own; columns and colours come where they are asked for."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox

MAGENTA, BLUE = "\x1b[35m", "\x1b[34m"


@pytest.fixture
def held(repo: Sandbox) -> Sandbox:
    """Return a repository where task 1 is on hold, and task 2 is not."""
    for task in "12":
        repo.agent("spawn", f"Task {task}")
        repo.agent("start", task)
    repo.agent("ask", "Which port?", "--task", "1")
    return repo


def test_the_hold_is_the_last_cell_in_a_pipe(held: Sandbox) -> None:
    rows = [line.split("\t") for line in held.agent("list").out.splitlines()]
    assert [(row[0], row[7], row[8]) for row in rows] == [("1", "Task 1", "needs_input"), ("2", "Task 2", "")]


def coloured(repo: Sandbox, setting: str, *words: str, no_colour: str | None = None) -> str:
    return repo.run("git", "-c", setting, "agent", *words, env={"NO_COLOR": no_colour}).out


@pytest.mark.rest
@pytest.mark.parametrize("key", ["color.ui", "color.agent"])
def test_git_s_keys_for_colour_are_honoured(held: Sandbox, key: str) -> None:
    for verb in ("list", "status"):
        out = coloured(held, f"{key}=always", verb)
        assert f"{BLUE}WORKING" in out, verb
    assert f"{MAGENTA}WORKING needs_input" in coloured(held, f"{key}=always", "list", no_colour="1")
    assert "\x1b" not in coloured(held, f"{key}=auto", "list")


def test_the_key_of_the_command_counts_more(held: Sandbox) -> None:
    held.git("config", "color.agent", "never")
    assert "\x1b" not in coloured(held, "color.ui=always", "list")
    held.git("config", "color.agent", "always")
    assert MAGENTA in held.agent("list").out


@pytest.mark.parametrize("verb", ["list", "status", "ps"])
def test_columns_can_be_had_in_a_pipe(held: Sandbox, verb: str) -> None:
    held.agent("run", "2", "--detach", "--", "sleep", "100")
    out = held.agent(verb, "--columns", env={"COLUMNS": "100"}).out
    held.agent("stop", "2")
    assert "STATE" in out and "\t" not in out and max(map(len, out.splitlines())) <= 100
