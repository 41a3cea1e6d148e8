"""Locales, streams that are closed or end early, no home, a terminal of nobody: the answer stays the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

LOCALES = (
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"},
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "xx_XX.UTF-8"},
)


@pytest.mark.parametrize("env", LOCALES, ids=str)
def test_a_locale_changes_nothing_of_the_answer(busy: Sandbox, env: dict[str, str]) -> None:
    said = busy.agent("show", "1", env=env)
    assert said.out.splitlines()[0] == "task 1: 修复登录页面的超时问题 🔧"
    assert busy.agent("list", "--json", env=env).json()["tasks"][1]["title"] == "修复登录页面的超时问题 🔧"


def test_a_title_is_read_in_any_locale(repo: Sandbox) -> None:
    for env in LOCALES:
        repo.agent("add", "--title", "修复", env=env)
    assert {task["title"] for task in repo.tasks().values()} == {"修复"}


SHELL = {
    "git agent list <&-": 0,
    "git agent list 2>&-": 0,
    "git agent list >&-": 0,
    "git agent list --json >&-": 0,
    "git-agent list <&-": 0,
    "git-agent list >&-": 0,
    "git-agent list 2>&-": 0,
    "git-agent heartbeat 1 >&- 2>&- <&-": 0,
    "git agent show 99 2>&-": 1,
    "git agent show 99 >&- 2>&- <&-": 1,
    "git agent add -F - '' <&-": 2,
    "git agent log 1 --json | head -n 1": 0,
    "git agent log | head -n 0": 0,
    "git agent diff 1 | head -n 0": 0,
    "git agent -h | head -n 1": 0,
}


@pytest.mark.parametrize("line", SHELL)
def test_a_stream_that_is_closed_is_no_catastrophe(busy: Sandbox, line: str) -> None:
    said = busy.run("sh", "-c", line)
    assert said.code == SHELL[line], said
    assert "Traceback" not in said.err and "Broken pipe" not in said.err and "Exception" not in said.err, said


def test_a_full_pipe_that_nobody_reads_ends_quietly(repo: Sandbox) -> None:
    repo.agent("spawn", "Many events")
    repo.parallel([("heartbeat", "1", "-m", "x" * 4000) for _ in range(20)])
    said = repo.run("sh", "-c", "{ git-agent log; echo $? >&2; } | :")
    assert said.err == "141\n", said


def test_no_home_no_terminal_type_and_an_empty_environment_are_enough(repo: Sandbox) -> None:
    bare = dict.fromkeys(("HOME", "TERM", "LC_ALL", "TZ", "GIT_CONFIG_GLOBAL", "GIT_EDITOR", "LOGNAME"))
    repo.git("config", "user.name", "Ada"), repo.git("config", "user.email", "ada@example.org")
    repo.agent("spawn", "Fix login", env=bare)
    assert repo.agent("list", env=bare).out.startswith("1\tASSIGNED\t")


def test_gits_own_variables_and_a_pager_are_not_in_the_way(repo: Sandbox) -> None:
    where = repo.agent("spawn", "Fix login").out.strip()
    odd = {"GIT_PAGER": "false", "PAGER": "false", "GIT_EXTERNAL_DIFF": "false", "GIT_INDEX_FILE": "/nowhere/index"}
    assert repo.agent("path", env={**odd, "GIT_DIR": str(repo.path / ".git")}, cwd=repo.path, exit=2).out == ""
    assert repo.agent("path", "1", env=odd).out.strip() == where


NUMBERS = ("../../x", "7" * 30, "-1", "", " 1", "1;id", "\u0663", "1e3", "x" * 100_000)


def test_what_is_no_number_in_the_environment_names_nobody(busy: Sandbox) -> None:
    for text in NUMBERS:
        env = {"GIT_AGENT_TASK": text, "GIT_AGENT_EPOCH": text, "GIT_AGENT_ACTOR": text}
        said = busy.agent("path", env=env, exit=2)
        assert said.err.splitlines()[0][:18] == "error: which task?", said


@pytest.mark.rest
def test_few_descriptors_are_enough_and_fewer_are_one_error(repo: Sandbox) -> None:
    for line in ("spawn Few", "status", "show 1"):
        assert repo.run("sh", "-c", f"ulimit -n 20; git-agent {line}").code == 0
    for number in (11, 12):  # a shell needs descriptor 10
        said = repo.run("sh", "-c", f"ulimit -n {number}; git-agent status")
        assert (said.code, said.err.count("error: "), said.err.count("hint: ")) == (1, 1, 1), said


def test_what_is_no_file_in_place_of_ours_is_neither_waited_for_nor_followed(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("spawn", "First")
    store, victim = repo.store.parent, tmp_path / "victim"
    for name in ("drain.lock", "drain.pid", "hooks.lock", "worktree.lock", "program", "spool", "beat"):
        for make in (os.mkfifo, lambda place: place.symlink_to(victim), Path.mkdir):
            place = store / name
            shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink(missing_ok=True)
            make(place)
            said = repo.agent("list", exit=None)
            assert "Traceback" not in said.err and not victim.exists(), (name, said)
            assert said.code == 0 or said.err.count("hint: ") == 1, (name, said)
