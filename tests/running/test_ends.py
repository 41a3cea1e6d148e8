"""Where a task goes when its command has ended, and what is told of it."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from tests.running.stage import WORK, Stage, eventually
from tests.running.stage import stage as stage


def _run(stage: Stage, script: str, task: str = "1", exit: int = 0) -> str:
    return stage.box.agent("run", task, "--", "sh", "-c", script, exit=exit).err


def test_exit_0_with_commits_hands_the_work_in(stage: Stage) -> None:
    stage.spawn()
    assert "task 1 is IN_REVIEW (the command exited with 0)" in _run(stage, WORK)
    assert stage.where() == ("IN_REVIEW", None)
    assert stage.kinds()[-3:] == ["task.session-began", "task.done", "task.session-ended"]
    assert stage.lease() is None and stage.session()["ended_at"] is not None
    assert stage.box.agent_json("inbox")["messages"] == []  # status says it


def test_exit_0_without_commits_holds_the_task(stage: Stage) -> None:
    stage.spawn()
    assert "task 1 is WORKING no_commits" in _run(stage, "true", exit=1)
    assert stage.where() == ("WORKING", "no_commits")
    assert "no commit over" in stage.task()["reason"]
    assert stage.lease() is None


def test_exit_0_with_work_that_is_not_committed_holds_the_task_and_says_so(stage: Stage) -> None:
    stage.spawn()
    _run(stage, f"{WORK}; echo more >more", exit=1)
    assert stage.where() == ("WORKING", "uncommitted")
    assert "uncommitted or untracked files (1)" in stage.task()["reason"]


def test_another_exit_fails_the_task_with_the_code_and_the_last_lines(stage: Stage) -> None:
    stage.spawn()
    said = _run(stage, "echo one; echo two >&2; printf '\\033[31mthree\\033[0m\\n'; exit 3", exit=1)
    assert "task 1 is FAILED (the command exited with 3)" in said
    assert stage.where() == ("FAILED", None)
    reason = stage.task()["reason"]
    assert reason.startswith("exited with 3: ") and {"one", "two", "three"} <= set(reason[15:].split(" | "))


def test_a_signal_fails_the_task_and_is_named(stage: Stage) -> None:
    stage.spawn()
    _run(stage, "kill -9 $$", exit=1)
    assert stage.task()["reason"] == "was ended by SIGKILL"


@pytest.mark.rest
def test_what_the_worker_decided_itself_stays(stage: Stage) -> None:
    stage.spawn()
    _run(stage, f"{WORK}; git agent done -m ready")
    assert stage.where() == ("IN_REVIEW", None)
    stage.spawn("Ask")
    _run(stage, "git agent ask 'Which one?'", "2", exit=1)
    assert stage.where(2) == ("WORKING", "needs_input")
    stage.spawn("Give up")
    _run(stage, "git agent fail -m 'too hard'; exit 1", "3", exit=1)
    assert (stage.where(3), stage.task(3)["reason"]) == (("FAILED", None), "too hard")
    stage.spawn("Not mine")
    _run(stage, "git agent release", "4", exit=1)
    assert stage.where(4) == ("OPEN", None)


def test_run_goes_on_after_a_hold_on_the_same_branch(stage: Stage) -> None:
    stage.spawn()
    _run(stage, "true", exit=1)
    _run(stage, WORK)
    assert stage.where() == ("IN_REVIEW", None)
    assert (stage.task()["attempt"], stage.task()["epoch"]) == (1, 1)


def test_an_open_task_is_claimed(stage: Stage) -> None:
    stage.box.agent("add", "Fix login")
    _run(stage, WORK, "fix-login")
    assert stage.where() == ("IN_REVIEW", None)


def test_without_a_task_the_next_one_of_the_queue_is_taken(stage: Stage) -> None:
    stage.box.agent("add", "Later", "-p", "3")
    stage.box.agent("add", "First", "-p", "1")
    assert "task 2 is IN_REVIEW" in stage.box.agent("run", "--", "sh", "-c", WORK).err
    assert stage.where(1) == ("OPEN", None)


def test_an_empty_queue_exits_with_6(stage: Stage) -> None:
    assert "there is nothing to claim" in stage.box.agent("run", "--", "true", exit=6).err


def test_fresh_starts_from_the_base(stage: Stage) -> None:
    stage.spawn()
    _run(stage, f"{WORK}; exit 1", exit=1)
    stage.box.agent("retry", "1")
    _run(stage, "test -e work && exit 9", exit=1)  # the second attempt goes on from the first one's commit
    assert (stage.task()["attempt"], stage.task()["reason"]) == (2, "exited with 9")
    stage.box.agent("retry", "1")
    stage.box.agent("run", "1", "--fresh", "--", "sh", "-c", "! test -e work", exit=1)
    assert (stage.task()["attempt"], stage.task()["hold"]) == (3, "no_commits")
    assert stage.box.git("rev-parse", "agent/1-fix-login.a3") == stage.box.git("rev-parse", "main")


@pytest.mark.parametrize(
    ("state", "hint"), [("IN_REVIEW", "request-changes"), ("APPROVED", "request-changes"), ("FAILED", "retry")]
)
def test_a_task_that_is_with_somebody_else_is_refused(stage: Stage, state: str, hint: str) -> None:
    where = stage.spawn()
    if state == "FAILED":
        stage.box.agent("fail", "1", "-m", "no")
    else:
        stage.box.commit(where, "work", "x\n")
        stage.box.agent("done", "1")
    if state == "APPROVED":
        stage.box.agent("approve", "1")
    said = stage.box.agent("run", "1", "--", "true", exit=3).err
    assert f"cannot run task 1: it is {state}" in said and hint in said
    assert stage.where() == (state, None)


def test_a_second_run_exits_with_3_and_changes_nothing(stage: Stage) -> None:
    stage.spawn()
    first = stage.run("echo ready; sleep 30")
    said = stage.box.agent("run", "1", "--", "true", exit=3).err
    assert f"task 1 is already run by process {first.pid}" in said
    assert stage.session()["ended_at"] is None and stage.where() == ("WORKING", None)


@pytest.mark.rest
def test_of_many_runs_at_once_one_runs(stage: Stage) -> None:
    where = stage.spawn()
    runs = stage.box.parallel([("run", "1", "--", "sh", "-c", "echo ran >>ran; sleep 2")] * 6)
    assert sorted(r.code for r in runs) == [1, 3, 3, 3, 3, 3], [str(r) for r in runs]
    assert (where / "ran").read_text() == "ran\n"


def test_a_program_that_is_not_there_changes_nothing(stage: Stage) -> None:
    stage.box.agent("add", "Fix login")
    said = stage.box.agent("run", "1", "--", "no-such-program", exit=1).err
    assert "'no-such-program' was not found on PATH" in said and "hint: " in said
    assert stage.where() == ("OPEN", None)
    stage.box.agent("spawn", "1")
    assert "'./no-such' is not an executable program" in stage.box.agent("run", "1", "--", "./no-such", exit=1).err
    assert stage.where() == ("ASSIGNED", None)


def test_without_a_command_and_without_an_agent_it_says_what_is_missing(stage: Stage) -> None:
    stage.spawn()
    said = stage.box.agent("run", "1", exit=2).err
    assert "no command is given, and no agent is configured" in said


def test_a_program_that_cannot_be_started_fails_the_task(stage: Stage) -> None:
    where = stage.spawn()
    stage.box.write("agent.sh", "#!/no/such/interpreter\n", cwd=where).chmod(0o755)
    assert "cannot start ./agent.sh" in stage.box.agent("run", "1", "--", "./agent.sh", exit=1).err
    assert stage.where() == ("FAILED", None)


def test_the_answer_as_json_is_alone_on_standard_output(stage: Stage) -> None:
    stage.spawn()
    done = stage.box.agent("run", "--json", "1", "--", "sh", "-c", f"echo noise; {WORK}")
    answer = json.loads(done.out)
    assert (answer["task"]["state"], answer["status"], answer["schema"]) == ("IN_REVIEW", 0, 1)
    assert "noise\n" in done.err


def test_a_worktree_that_vanished_is_said(stage: Stage) -> None:
    where = stage.spawn()
    subprocess.run(["rm", "-rf", where], check=True)
    assert "worktree of task 1 is gone" in stage.box.agent("run", "1", "--", "true", exit=3).err


def test_a_new_attempt_runs_beside_the_command_of_a_superseded_one(stage: Stage) -> None:
    stage.spawn()
    first = stage.run("echo ready; sleep 300")
    told = stage.box.agent("reassign", "1").err
    assert f"the command of attempt 1 of task 1 still runs (process {first.pid}): git agent stop 1" in told
    _run(stage, WORK)
    assert stage.where() == ("IN_REVIEW", None) and stage.task()["attempt"] == 2
    assert first.poll() is None


def test_a_task_that_was_given_back_can_be_run_while_its_command_ends(stage: Stage) -> None:
    stage.spawn()
    first = stage.run("echo ready; sleep 300")
    assert f"still runs (process {first.pid})" in stage.box.agent("release", "1").err
    _run(stage, WORK)
    assert (stage.where(), stage.task()["attempt"]) == (("IN_REVIEW", None), 2)


def test_words_that_are_no_text_are_words_like_others(stage: Stage) -> None:
    stage.spawn()
    odd = os.fsdecode(b"a\xffb")
    assert stage.box.agent("run", "1", "--", "printf", "%s", odd, exit=1).out == "a\\xffb"
    eventually(lambda: stage.where() == ("WORKING", "no_commits"), stage.where)
    stage.box.agent("run", "1", "--detach", "--", "printf", "%s", odd)
    eventually(lambda: [line[:3] for line in stage.log().split("\n")] == ["a\ufffdb", "[gi", "a\ufffdb"], stage.log)


@pytest.mark.parametrize(
    "words",
    [
        ("spawn", "T", "--agent"),
        ("add", "T", "--check"),
        ("add", "T", "--path"),
        ("edit", "1", "--check"),
        ("edit", "1", "--path"),
        ("fail", "1", "-m"),
        ("cancel", "1", "-m"),
        ("reassign", "1", "--agent"),
        ("run", "1", "--agent"),
    ],
    ids=" ".join,
)
def test_what_can_be_no_text_is_refused(stage: Stage, words: tuple[str, ...]) -> None:
    stage.spawn()
    said = stage.box.agent(*words, os.fsdecode(b"a\xffb"), exit=2).err
    assert "it is not valid UTF-8" in said and "hint: " in said
    assert stage.where() == ("ASSIGNED", None) and len(stage.box.tasks()) == 1


def test_the_store_is_not_removed_under_a_command(stage: Stage) -> None:
    stage.spawn()
    first = stage.run("echo ready; sleep 300")
    said = stage.box.agent("deinit", "--purge", "--yes", exit=3).err
    assert f"task 1 is run by process {first.pid}" in said and "git agent stop 1" in said
    stage.box.agent("stop", "1")
    stage.box.agent("deinit", "--purge", "--yes")
    assert not stage.agent.exists()
