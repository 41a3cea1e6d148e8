"""In the background: it runs before we are told so, nothing of ours outlives it, and it can be seen and stopped."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.running.stage import WORK, Stage, eventually
from tests.running.stage import stage as stage


def test_it_runs_when_the_command_returns_and_goes_on_by_itself(stage: Stage) -> None:
    stage.spawn()
    said = stage.box.agent("run", "1", "--detach", "--", "sh", "-c", f"echo ready; sleep 1; {WORK}").out
    assert said == f"task 1 is running: process {stage.session()['pid']}\n"
    assert stage.where() == ("WORKING", None)
    eventually(lambda: stage.where() == ("IN_REVIEW", None), stage.where)
    stage.none_left()
    assert stage.box.agent("logs", "1").out.startswith("ready\n")


def test_an_open_task_is_claimed_first(stage: Stage) -> None:
    stage.box.agent("add", "Fix login")
    stage.box.agent("run", "-d", "--", "sh", "-c", WORK)
    eventually(lambda: stage.where() == ("IN_REVIEW", None), stage.where)


def test_what_goes_wrong_at_the_start_is_said_by_the_command_that_was_typed(stage: Stage) -> None:
    stage.spawn()
    first = stage.run("echo ready; sleep 300")
    said = stage.box.agent("run", "1", "-d", "--", "true", exit=3).err
    assert f"task 1 is already run by process {first.pid}" in said and "hint: " in said
    assert stage.box.agent_json("run", "1", "-d", "--", "true", exit=3)["error"]["code"] == "already-run"


def test_spawn_with_a_command_runs_it_in_the_new_worktree(stage: Stage) -> None:
    done = stage.box.agent("spawn", "Fix login", "--", "sh", "-c", f"pwd; {WORK}")
    where = done.out.strip().splitlines()[-1]
    assert "task 1 is running: process " in done.err
    eventually(lambda: stage.where() == ("IN_REVIEW", None), stage.where)
    assert stage.log() == f"{where}\n"


def test_spawn_run_runs_the_agent(stage: Stage) -> None:
    stage.box.git("config", "agent.run.me", "sh -c 'echo \"$0\"' {title}")
    stage.box.agent("spawn", "Fix login", "--run", "--agent", "me")
    eventually(lambda: stage.where() == ("WORKING", "no_commits"), stage.where)
    assert stage.log() == "Fix login\n"
    said = stage.box.agent("spawn", "Other", "--run", "--agent", "nobody", exit=2).err
    assert "agent 'nobody' has no command" in said and len(stage.box.tasks()) == 1


def test_it_does_not_inherit_who_started_it(stage: Stage) -> None:
    stage.spawn()
    script = "env; echo ready; sleep 1.5; exit 4"
    stage.box.agent("run", "1", "--detach", "--", "sh", "-c", script, env={"GIT_AGENT_ACTOR": "Somebody"})
    eventually(lambda: stage.where(1) == ("FAILED", None), lambda: stage.where(1))
    assert stage.task(1)["reason"].startswith("exited with 4")
    assert "GIT_AGENT_TASK=1" in stage.log(1) and "GIT_AGENT_ACTOR=worker 1.1" in stage.log(1)


def test_a_worker_starts_no_other_worker(stage: Stage) -> None:
    stage.spawn()
    stage.spawn("Other")
    script = "git agent run 2 --detach -- true; echo code $?"
    stage.ended(stage.start("run", "1", "--", "sh", "-c", script))
    assert "'git agent run' is not for workers" in stage.log(1) and "code 3" in stage.log(1)
    assert stage.where(2) == ("ASSIGNED", None)


def test_ps_shows_what_runs(stage: Stage) -> None:
    stage.spawn()
    assert stage.box.agent("ps").out == ""
    process = stage.run("echo ready; sleep 300")
    session = stage.box.agent_json("ps")["sessions"][0]
    assert (session["task"], session["attempt"], session["pid"], session["gone"]) == (1, 1, process.pid, False)
    assert stage.box.agent_json("show", "1")["sessions"] == [session]
    assert f"process {process.pid}: sh -c " in stage.box.agent("show", "1").out
    row = stage.box.agent("ps").out.split("\t")
    assert (row[0], row[1], row[4], row[5]) == ("1", "WORKING", str(process.pid), "alive")
    task = stage.box.tasks()[1]
    assert (task["worker"]["pid"], task["worker"]["liveness"]) == (process.pid, "alive")
    process.kill()
    process.wait()
    assert stage.box.agent_json("ps")["sessions"][0]["gone"] is True


@pytest.mark.rest
def test_logs_follow_until_the_end_and_across_files(stage: Stage, tmp_path: Path) -> None:
    stage.spawn()
    # The log is kept in part: each million waits until the one before was read, however busy the machine is.
    million = f"until [ -e '{tmp_path}'/$i ]; do sleep 0.01; done; head -c 1000000 /dev/zero | tr '\\0' x; echo"
    process = stage.run(f"echo ready; for i in $(seq 20); do {million}; done; echo end")
    with open(os.devnull, "rb") as nothing:
        follower = subprocess.Popen(
            ["git-agent", "logs", "1", "-f"], cwd=stage.box.path, stdin=nothing, stdout=subprocess.PIPE
        )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert follower.stdout is not None and follower.stdout.readline() == b"ready\n"
    for turn in range(1, 21):
        (tmp_path / str(turn)).touch()
        assert follower.stdout.readline() == b"x" * 1_000_000 + b"\n"
    assert follower.stdout.read() == b"end\n"
    assert process.wait(timeout=60) == 1 and follower.wait(timeout=60) == 0
    follower.stdout.close()
    process.stderr.close()


def test_logs_of_nothing_is_said(stage: Stage) -> None:
    stage.spawn()
    assert "no command was run for task 1" in stage.box.agent("logs", "1", exit=1).err


def test_each_attempt_has_its_log(stage: Stage) -> None:
    stage.spawn()
    stage.box.agent("run", "1", "--", "sh", "-c", "echo one; exit 1", exit=1)
    stage.box.agent("retry", "1")
    stage.box.agent("run", "1", "--", "echo", "two", exit=1)
    assert stage.box.agent("logs", "1").out == "two\n"
    assert stage.box.agent("logs", "1", "--attempt", "1").out == "one\n"


def test_exec_gives_the_commands_exit_code_and_its_own_git(stage: Stage) -> None:
    where = stage.spawn()
    done = stage.box.agent("exec", "1", "--", "sh", "-c", "pwd; git branch --show-current; exit 7", exit=7)
    assert done.out == f"{where}\nagent/1-fix-login\n"
    assert stage.box.agent("exec", "1", "--", "cat", stdin="given").out == "given"
    assert stage.where() == ("ASSIGNED", None)
    assert "cannot run 'no-such'" in stage.box.agent("exec", "1", "--", "no-such", exit=1).err
    assert "no command is given" in stage.box.agent("exec", "1", exit=2).err
    env = {"GIT_DIR": str(stage.box.path / ".git"), "GIT_INDEX_FILE": "nowhere"}
    assert stage.box.agent("exec", "1", "--", "git", "rev-parse", "--show-toplevel", env=env).out == f"{where}\n"


@pytest.mark.rest
@pytest.mark.parametrize("number", [8])
def test_many_at_once_all_get_where_they_belong(stage: Stage, number: int) -> None:
    for n in range(number):
        stage.box.agent("add", f"Task {n}")
    runs = [stage.start("run", str(n + 1), "--", "sh", "-c", f"sleep 1; {WORK}") for n in range(number)]
    for run in runs:
        assert stage.ended(run)[0] == 0
    assert {stage.where(n + 1) for n in range(number)} == {("IN_REVIEW", None)}
    stage.none_left()


@pytest.mark.rest
def test_a_supervisor_is_small_and_idle(stage: Stage) -> None:
    """Below 40 MB, below 0.3 % of a processor, although it made the worktree itself."""
    stage.box.agent("add", "Fix login")
    stage.box.git("config", "agent.beat", "10s")
    process = stage.run("echo ready; sleep 300")
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert int(status.partition("VmHWM:")[2].split()[0]) < 40_000, status
    before = _ticks(process.pid)
    time.sleep(4)
    assert _ticks(process.pid) - before <= 2  # ticks of 10 ms; make bench measures it for longer
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    assert "pygit2" not in maps and "git2" not in maps


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])
