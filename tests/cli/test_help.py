"""Help: for every verb, with every option; the version; what a bare `git agent` says."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from git_agent import __version__
from git_agent.cli.main import group
from git_agent.verbs import SECTIONS, VERBS
from tests.sandbox import Sandbox, run_at_once


def _options(verb: str) -> set[str]:
    command = group.get_command(click.Context(group), verb)
    assert command is not None
    shown = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    return {name for option in shown for name in option.opts}


def test_the_help_of_a_verb_mentions_each_of_its_options(tmp_path: Path) -> None:
    commands = [("git", "agent", verb, flag) for verb in VERBS for flag in ("-h",)]
    for verb, said in zip(VERBS, run_at_once(commands, cwd=tmp_path), strict=True):
        assert said.code == 0 and said.err == "" and said.out.startswith(f"Usage: git agent {verb} "), said
        words = said.out.replace(",", " ").split()
        assert {option for option in _options(verb) | {"-h", "--help", "--json"} if option not in words} == set(), verb
        assert max(map(len, said.out.splitlines())) <= 80


def test_the_help_lists_every_verb_in_its_section(tmp_path: Path) -> None:
    for said in run_at_once([("git", "agent", "-h"), ("git-agent", "--help")], cwd=tmp_path):
        assert said.code == 0 and [s for s in SECTIONS if f"\n{s}:\n" not in said.out] == []
        assert [verb for verb in VERBS if f"\n  {verb} " not in said.out] == []


def test_a_bare_command_shows_the_help_on_stderr_and_is_a_usage_error(tmp_path: Path) -> None:
    (said,) = run_at_once([("git", "agent")], cwd=tmp_path)
    assert (said.code, said.out) == (2, "") and said.err.startswith("Usage: git agent ")


@pytest.mark.parametrize("command", [("git-agent", "--version"), ("git", "agent", "--version"), ("git-agent", "-v")])
def test_the_version_is_said_as_git_says_it(tmp_path: Path, command: tuple[str, ...]) -> None:
    (said,) = run_at_once([command], cwd=tmp_path)
    assert (said.out, said.err, said.code) == (f"git-agent version {__version__}\n", "", 0)


def test_a_mistyped_verb_names_the_one_that_is_meant(busy: Sandbox) -> None:
    said = busy.agent("aprove", exit=2)
    assert said.err == "error: 'aprove' is not a verb of git agent\nhint: similar verbs: approve\n"


def test_ls_is_list(busy: Sandbox) -> None:
    assert busy.agent("ls").out.split("\t")[0] == busy.agent("list").out.split("\t")[0]
