"""The demo, run as a person runs it: what it shows, what it leaves, and what it keeps out."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.processes import inside
from tests.sandbox import TIMEOUT, Result, Sandbox

LIMIT = 20.0  # seconds on two cores that have nothing else to do


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """Play the demo in a directory that is kept, in an environment that would break it if any of it got in."""
    box = tmp_path_factory.mktemp("demo")
    (box / "hooks").mkdir()
    for name in ("pre-commit", "post-commit", "post-checkout", "commit-msg"):
        (box / "hooks" / name).write_text(f"#!/bin/sh\ntouch {box}/hook-ran\nexit 1\n")
        (box / "hooks" / name).chmod(0o755)
    (box / "config").write_text(f"[core]\n\thooksPath = {box}/hooks\n[user]\n\tuseConfigOnly = true\n")
    hostile: dict[str, str | None] = {
        "HOME": None,
        "GIT_CONFIG_GLOBAL": str(box / "config"),
        "GIT_DIR": "/nowhere",
        "GIT_AUTHOR_DATE": "nonsense",
        "GIT_AGENT_TASK": "9",
        "GIT_AGENT_EPOCH": "9",
        "XDG_CONFIG_HOME": str(box),
    }
    result = Sandbox(box).run("git-agent", "demo", "--json", "--keep", box / "kept", env=hostile)
    assert result.code == 0, str(result)
    return result, box / "kept"


@pytest.fixture(scope="module")
def log(kept: tuple[Result, Path]) -> list[dict[str, Any]]:
    """Return the events of the demo's store, in order."""
    import json

    lines = Sandbox(kept[1] / "shelf").agent("log", "--json").out.splitlines()
    return [json.loads(line)["event"] for line in lines]


def test_three_tasks_are_completed(kept: tuple[Result, Path]) -> None:
    tasks = kept[0].json()["tasks"]
    assert {task["id"]: task["state"] for task in tasks} == {1: "COMPLETED", 2: "COMPLETED", 3: "COMPLETED"}
    assert {task["agent"] for task in tasks} == {"ada", "ben", "cleo"}
    assert set(Sandbox(kept[1] / "shelf").tasks()) == {1, 2, 3}


def test_three_workers_work_at_the_same_time(log: list[dict[str, Any]]) -> None:
    firsts: dict[str, list[str]] = {"task.started": [], "task.noted": [], "task.done": []}
    for event in log:
        if event["kind"] in firsts and len(firsts[event["kind"]]) < 3:
            firsts[event["kind"]].append(event["at"])
    # Each had begun and beaten before any handed in.
    assert len(firsts["task.done"]) == 3
    assert max(firsts["task.started"]) < min(firsts["task.done"])
    assert max(firsts["task.noted"]) < min(firsts["task.done"])


def test_there_is_one_conflict_and_one_request_for_changes(
    kept: tuple[Result, Path], log: list[dict[str, Any]]
) -> None:
    kinds = [event["kind"] for event in log]
    assert (kinds.count("task.conflicted"), kinds.count("task.changes-requested")) == (1, 1)
    exits = {step["command"]: step["exit"] for step in kept[0].json()["steps"]}
    assert {command: code for command, code in exits.items() if code} == {"git agent merge 3": 4}


def test_the_base_has_the_merges_in_order_and_works(kept: tuple[Result, Path]) -> None:
    shelf = Sandbox(kept[1] / "shelf")
    merged = re.findall(r"agent/(\d)-", shelf.git("log", "--first-parent", "--reverse", "--format=%s", "main"))
    assert merged == ["2", "1", "3"]
    assert shelf.git("status", "--porcelain") == ""
    assert "4 commands work" in shelf.run(sys.executable, "test_shelf.py").out
    assert shelf.run(sys.executable, "shelf.py", "list", "dispossessed").out.count("\n") == 1
    assert shelf.git("branch", "--format=%(refname:short)").split() == ["main", "release-1.0"]


def test_each_command_is_shown_as_it_was_run(kept: tuple[Result, Path]) -> None:
    result, directory = kept
    shown = re.findall(r"(?m)^\$ (.*)$", result.err)
    run = [step["command"] for step in result.json()["steps"] if not step["who"]]
    assert [command for command in shown if command != "cd shelf"] == run
    assert run.count("git agent status") >= 2 and shown[-1] == "git log --graph --oneline"
    workers = set(re.findall(r"(?m)^(\w+) *\| \$ git agent done", result.err))
    assert workers == {"ada", "ben", "cleo"} and str(directory) in result.err


def test_nothing_of_the_persons_git_gets_in(kept: tuple[Result, Path]) -> None:
    box, shelf = kept[1].parent, Sandbox(kept[1] / "shelf")
    assert not (box / "hook-ran").exists()
    authors = set(shelf.git("log", "--format=%ae%n%ce", "main").split())
    assert all(author.endswith("@example.org") for author in authors) and len(authors) >= 6
    assert {p.name for p in kept[1].iterdir()} == {"history", "shelf", "shelf.worktrees", "workers"}


def test_it_is_over_soon(kept: tuple[Result, Path]) -> None:
    # The machine may be busy with other tests: count what the commands of the person took one by one, leniently.
    assert kept[0].json()["seconds"] < 3 * LIMIT


@pytest.mark.rest
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_neither_files_nor_processes(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with _started(tmp_path) as demo:
        _wait_for(demo, "heartbeat")
        assert len(inside(tmp_path)) > 1  # the demo, and its workers
        demo.send_signal(number)
        time.sleep(0.05)
        demo.send_signal(number)  # impatience is no reason to leave something
        demo.communicate(timeout=TIMEOUT)
    assert (list(tmp_path.iterdir()), inside(tmp_path)) == ([], {})
    assert demo.returncode == code


def test_a_reader_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    result = Sandbox(tmp_path).run("sh", "-c", "git-agent demo | head -3", env={"TMPDIR": str(tmp_path)})
    assert result.err == "" and list(tmp_path.iterdir()) == []


def test_a_step_that_fails_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    _fake_git(tmp_path / "bin", "fast-import", "exit 9")
    (tmp_path / "tmp").mkdir()
    env = {"TMPDIR": str(tmp_path / "tmp"), **_first_on_path(tmp_path / "bin")}
    result = Sandbox(tmp_path).run("git-agent", "demo", env=env)
    assert result.code == 1 and list((tmp_path / "tmp").iterdir()) == []
    assert re.search(r"error: the demo stopped: `git fast-import .*` ended with exit code 9\n", result.err)


def test_a_worker_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    _fake_git(tmp_path / "bin", "commit", "case $PWD in */3-*) echo no commit today; exit 3;; esac")
    (tmp_path / "tmp").mkdir()
    env = {"TMPDIR": str(tmp_path / "tmp"), **_first_on_path(tmp_path / "bin")}
    result = Sandbox(tmp_path).run("git-agent", "demo", "--json", env=env)
    error = result.json()["error"]
    assert result.code == 1 and "cleo-1.sh" in error["message"] and "no commit today" in " ".join(error["details"])
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("make", [lambda d: (d.mkdir(), (d / "x").touch()), lambda d: d.touch()], ids=["full", "file"])
def test_a_directory_that_is_not_free_is_refused_unchanged(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "there")
    before = sorted(tmp_path.rglob("*"))
    result = Sandbox(tmp_path).run("git-agent", "demo", "--keep", "there")
    assert result.code in (1, 2) and result.err.startswith("error: ") and result.out == ""
    assert sorted(tmp_path.rglob("*")) == before


def _started(tmp: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "TMPDIR": str(tmp)}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(["git-agent", "demo"], cwd=tmp, env=env, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


def _wait_for(demo: subprocess.Popen[str], word: str) -> None:
    assert demo.stdout is not None
    for line in demo.stdout:
        if word in line:
            return
    raise AssertionError(f"the demo never said {word}")


def _fake_git(directory: Path, verb: str, instead: str) -> None:
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True).stdout.strip()
    directory.mkdir()
    (directory / "git").write_text(f'#!/bin/sh\n[ "$1" != {verb} ] || {{ {instead}; }}\nexec {real} "$@"\n')
    (directory / "git").chmod(0o755)


def _first_on_path(directory: Path) -> Mapping[str, str]:
    # Behind the environment's own directory, as the demo has it.
    return {"PATH": os.pathsep.join([str(Path(sys.executable).parent), str(directory), os.environ["PATH"]])}
