"""On a terminal: colour and tables that fit. In a pipe: plain lines without an escape."""

from __future__ import annotations

import re

import pytest

from git_agent.render.text import width
from tests.cli.terminal import Terminal
from tests.sandbox import Sandbox

LOOKS = (("list", "--all"), ("status",), ("show", "1"), ("log",), ("log", "1"), ("ready", "--why"), ("stats",))
SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("args", LOOKS, ids=" ".join)
def test_a_pipe_gets_no_escapes(busy: Sandbox, args: tuple[str, ...]) -> None:
    said = busy.agent(*args)
    assert "\x1b" not in said.out + said.err and said.out


def test_a_terminal_gets_colour_but_no_escape_of_a_title(terminal: Terminal) -> None:
    for verb in ("list", "status"):
        seen = terminal.type("git", "agent", verb, columns=200)
        assert SGR.search(seen) and "\\x1b[31mred" in seen
        assert "\x1b" not in SGR.sub("", seen)


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_a_terminal_without_colour_gets_none(terminal: Terminal, env: dict[str, str]) -> None:
    assert "\x1b" not in terminal.type("git", "agent", "status", env=env)


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_lines_fit_the_terminal_and_columns_stand_below_each_other(terminal: Terminal, columns: int) -> None:
    lines = terminal.type("git", "agent", "list", columns=columns, env={"NO_COLOR": "1"}).splitlines()
    assert len(lines) == 5 and max(map(width, lines)) <= columns, lines
    titled = lines[0].index("TITLE")
    starts = [_before(line, titled) for line in lines[1:]]
    assert all(gap.endswith("  ") for gap in starts), lines


def _before(line: str, columns: int) -> str:
    """Return the start of a line that takes so many columns; fail when none does."""
    return next(line[:n] for n in range(len(line) + 1) if width(line[:n]) == columns)


def test_status_fits_a_narrow_terminal(terminal: Terminal) -> None:
    lines = terminal.type("git", "agent", "status", columns=40, env={"NO_COLOR": "1"}).splitlines()
    commands = [line for line in lines if "git agent" in line]
    assert max(map(width, lines)) <= 40 and commands, lines


def test_json_on_a_terminal_is_the_same_plain_line(terminal: Terminal, busy: Sandbox) -> None:
    assert terminal.type("git", "agent", "path", "1", "--json") == busy.agent("path", "1", "--json").out
