"""The exit codes: 0 done or done already, 1 error, 2 usage, 3 refused, 4 conflict, 5 superseded, 6 busy, 130."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.sandbox import TIMEOUT, Sandbox


def _code(repo: Sandbox, *args: str, cwd: Path | None = None) -> int:
    return repo.agent(*args, cwd=cwd, exit=None).code


def test_each_exit_code_means_what_it_says(repo: Sandbox) -> None:
    first, second = (Path(repo.agent("spawn", title).out.strip()) for title in ("One", "Two"))
    repo.commit(first, "same.txt", "one\n")
    repo.commit(second, "same.txt", "two\n")
    assert _code(repo, "done", "1") == 0 and _code(repo, "done", "1") == 0
    assert _code(repo, "show", "99") == 1 and _code(repo, "-C", "/", "list") == 1
    assert _code(repo, "show", "1", "2") == 2 and _code(repo, "frobnicate") == 2 and _code(repo) == 2
    assert _code(repo, "conflicts") == 0 and _code(repo, "conflicts", "1") == 4
    assert _code(repo, "merge", "1") == 3
    assert _code(repo, "done", "2") == 0 and _code(repo, "approve", "1", "2") == 0
    assert _code(repo, "merge", "1") == 0 and _code(repo, "merge", "2") == 4
    assert _code(repo, "reassign", "2") == 0 and _code(repo, "heartbeat", cwd=second) == 5
    assert _code(repo, "claim") == 6


def test_an_old_epoch_is_told_before_any_other_refusal(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    repo.agent("cancel", "1")
    old = {"GIT_AGENT_TASK": "1", "GIT_AGENT_EPOCH": "1"}
    verbs = [("start",), ("heartbeat",), ("ask", "Why?"), ("done",), ("release",), ("fail", "-m", "x"), ("cancel",)]
    verbs += [("approve", "1"), ("request-changes", "1", "-m", "x"), ("merge", "1"), ("answer", "1", "x")]
    verbs += [("retry", "1"), ("reopen", "1"), ("reassign", "1"), ("edit", "1", "--priority", "0"), ("rm", "1")]
    verbs += [("spawn", "1"), ("claim", "1"), ("merge", "1", "--already")]
    codes = {verb: result.code for verb, result in zip(verbs, repo.parallel(verbs, env=old), strict=True)}
    assert {verb: code for verb, code in codes.items() if code != 5} == {}
    assert repo.tasks()[1]["state"] == "CANCELLED"


def _interrupted(repo: Sandbox, number: signal.Signals) -> subprocess.CompletedProcess[bytes]:
    """Send a signal to a spawn whose setup command is running, as a terminal sends it: to the whole group."""
    started = repo.path.parent / "started"
    repo.git("config", "agent.setup", f"touch '{started}'; exec sleep 60")
    command = ["git-agent", "spawn", "Fix login"]
    with subprocess.Popen(
        command,
        cwd=repo.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    ) as process:
        deadline = time.monotonic() + TIMEOUT
        while not started.exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, number)
        out, err = process.communicate(timeout=TIMEOUT)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def test_an_interruption_takes_everything_back_and_exits_130(repo: Sandbox) -> None:
    done = _interrupted(repo, signal.SIGINT)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"error: interrupted\n")
    assert repo.tasks() == {} and repo.git("branch", "--list", "agent/*") == ""
    assert repo.git("worktree", "list", "--porcelain").count("worktree ") == 1


def test_a_request_to_end_takes_everything_back_and_says_which_signal(repo: Sandbox) -> None:
    done = _interrupted(repo, signal.SIGTERM)
    assert done.returncode == 128 + signal.SIGTERM and b"Traceback" not in done.stderr
    assert repo.tasks() == {} and repo.git("branch", "--list", "agent/*") == ""


@pytest.mark.parametrize("buffer", [None, "1"], ids=["buffered", "PYTHONUNBUFFERED"])
def test_output_that_cannot_be_written_is_said(repo: Sandbox, buffer: str | None) -> None:
    repo.agent("add", "Fix login", "-F", "-", stdin="x" * 20_000)
    for words in (("list",), ("show", "1", "--json"), ("-h",), ("--version",), ("log",)):
        done = repo.run("sh", "-c", 'git-agent "$@" >/dev/full', "sh", *words, env={"PYTHONUNBUFFERED": buffer})
        said = "error: cannot write to standard output: No space left on device"
        assert (done.code, done.err.splitlines()[0]) == (1, said), done


def test_talk_that_nobody_can_hear_changes_nothing(repo: Sandbox) -> None:
    done = repo.run("sh", "-c", "git-agent spawn Login 2>/dev/full")
    assert (done.code, done.out) == (0, f"{repo.path}.worktrees/1-login\n")


@pytest.mark.parametrize("bad", ["nan", "inf", "1e300"])
def test_a_number_that_is_none_is_refused(repo: Sandbox, bad: str) -> None:
    repo.agent("init")
    for words in (
        ("stats", "--days", bad),
        ("inbox", "--wait", "--timeout", bad),
        ("claim", "--wait", "--timeout", bad),
    ):
        if bad != "1e300" or words[0] == "stats":
            assert "Traceback" not in repo.agent(*words, exit=2).err
