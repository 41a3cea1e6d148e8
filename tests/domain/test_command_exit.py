"""How a command ended, in words."""

from __future__ import annotations

import pytest

from git_agent.domain.command_exit import CommandExit


@pytest.mark.parametrize(
    ("ended", "how"),
    [
        (CommandExit(0), "exited with 0"),
        (CommandExit(3), "exited with 3"),
        (CommandExit(-9), "was ended by SIGKILL"),
        (CommandExit(-15), "was ended by SIGTERM"),
        (CommandExit(-200), "was ended by signal 200"),
        (CommandExit(None, why="cannot start x: no"), "cannot start x: no"),
    ],
)
def test_the_end_is_said(ended: CommandExit, how: str) -> None:
    assert ended.how == ended.reason == how


def test_the_reason_has_the_last_lines_that_say_something() -> None:
    tail = "one\n\ntwo\n\x1b[31mthree\x1b[0m\r\nfour\n 50%\r100%\n five \n\n"
    assert CommandExit(1, tail).reason == "exited with 1: two | three | four | 100% | five"


def test_a_reason_is_not_endless() -> None:
    assert len(CommandExit(1, "x" * 5000).reason) == 500
