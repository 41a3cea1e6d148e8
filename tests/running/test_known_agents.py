"""Agents whose command is known: it needs no configuration, only the program on PATH."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from git_agent.domain.agent_programs import AGENT_PROGRAMS
from git_agent.domain.command import parse_command
from tests.sandbox import Sandbox

STAND_IN = """#!/bin/sh
printf '%s\\n' "$0" "$@" >"$HOME/arguments"
for word; do [ ! -f "$word" ] || cat "$word"; done >"$HOME/given"
echo work >work && git add work && git commit --quiet --message Work
"""


@pytest.fixture
def programs(repo: Sandbox) -> str:
    """Return PATH with a stand-in for each known agent, which notes its arguments, commits and ends."""
    home = Path(os.environ["HOME"]) / "agents"
    home.mkdir(exist_ok=True)
    for name in AGENT_PROGRAMS:
        (home / name).write_text(STAND_IN)
        (home / name).chmod(0o755)
    return f"{home}{os.pathsep}{os.environ['PATH']}"


def _arguments() -> list[str]:
    return (Path(os.environ["HOME"]) / "arguments").read_text().splitlines()


@pytest.mark.parametrize("name", AGENT_PROGRAMS)
def test_a_known_agent_runs_without_being_configured_and_gets_its_task(repo: Sandbox, programs: str, name: str) -> None:
    repo.agent("spawn", "Fix login")
    repo.agent("run", "1", "--agent", name, env={"PATH": programs})
    assert repo.tasks()[1]["state"] == "IN_REVIEW"
    program, *words = _arguments()
    assert program.endswith(f"/{name}")
    given = (Path(os.environ["HOME"]) / "given").read_text()
    assert "Task 1: Fix login" in words or given.startswith("Task 1: Fix login")
    assert not any("{" in word for word in words)


def test_codex_may_write_where_git_does(repo: Sandbox, programs: str) -> None:
    repo.agent("spawn", "Fix login")
    repo.agent("run", "1", "--agent", "codex", env={"PATH": programs})
    words = _arguments()
    allowed = [words[at + 1] for at, word in enumerate(words) if word == "--add-dir"]
    tree = repo.worktree(1)
    assert allowed == [
        repo.git("rev-parse", "--path-format=absolute", which, cwd=tree) for which in ("--git-dir", "--git-common-dir")
    ]


def test_what_is_configured_counts_before_what_is_known(repo: Sandbox, programs: str) -> None:
    repo.git("config", "agent.run.claude", "claude --mine {task} {attempt}")
    repo.agent("spawn", "Fix login")
    repo.agent("run", "1", "--agent", "claude", env={"PATH": programs})
    assert _arguments()[1:] == ["--mine", "1", "1"]
    [mine] = [each for each in _shown(repo, programs) if each["name"] == "claude"]
    assert (mine["origin"], mine["command"]) == ("local", "claude --mine {task} {attempt}")


def test_what_the_team_configured_is_not_replaced_by_what_is_known_until_it_is_trusted(
    repo: Sandbox, programs: str
) -> None:
    repo.git("config", "-f", ".gitagent", "agent.run.claude", "claude --ours {task}")
    repo.git("add", ".gitagent")
    repo.git("commit", "--quiet", "-m", "Team")
    repo.agent("spawn", "Fix login")
    said = repo.agent("run", "1", "--agent", "claude", env={"PATH": programs}, exit=2).err
    assert "agent.run.claude is not trusted" in said and "git agent trust" in said
    repo.agent("trust")
    repo.agent("run", "1", "--agent", "claude", env={"PATH": programs})
    assert _arguments()[1:] == ["--ours", "1"]


def _shown(repo: Sandbox, path: str) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = repo.agent("config", "--agents", "--json", env={"PATH": path}).json()["agents"]
    return found


def test_all_agents_with_a_command_are_shown_and_where_their_programs_are(repo: Sandbox, programs: str) -> None:
    repo.agent("init")
    repo.git("config", "agent.run.broken", "sh 'open")
    found = {str(each["name"]): each for each in _shown(repo, programs)}
    assert found.keys() == {*AGENT_PROGRAMS, "broken"} and found["broken"]["program"] is None
    for name, command in AGENT_PROGRAMS.items():
        program = found[name]["program"] or ""
        assert (found[name]["command"], found[name]["origin"]) == (command, "default")
        assert program.endswith(f"/agents/{name}")


def test_without_its_program_a_known_agent_is_not_started(repo: Sandbox) -> None:
    repo.agent("add", "Fix login")
    said = repo.agent("run", "1", "--agent", "opencode", exit=1).err
    assert "'opencode' was not found on PATH" in said and repo.tasks()[1]["state"] == "OPEN"


def test_the_commands_that_the_documents_show_are_those_that_are_known() -> None:
    text = (Path(__file__).parents[2] / "docs/agents.md").read_text()
    shown = dict(re.findall(r"^    (\w+) +(\1 .*)$", text, re.MULTILINE))
    assert shown == dict(AGENT_PROGRAMS)
    for name, command in AGENT_PROGRAMS.items():
        assert parse_command(name, command).tells_news
