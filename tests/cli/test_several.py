"""Verbs that take several tasks look all of them up first, do what they can, and name the rest."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def three(repo: Sandbox) -> Sandbox:
    for number in (1, 2, 3):
        repo.agent("spawn", f"Task {number}")
    return repo


def states(repo: Sandbox) -> list[str]:
    return [task["state"] for task in repo.tasks().values()]


@pytest.mark.parametrize("verb", ["cancel", "release", "stop", "rm", "retry", "reopen", "approve"])
def test_nothing_is_done_if_one_is_unknown(three: Sandbox, verb: str) -> None:
    assert "there is no task '99'" in three.agent(verb, "1", "2", "99", exit=1).err
    assert states(three) == ["ASSIGNED"] * 3


def test_cancel_remove_and_reopen_several(three: Sandbox) -> None:
    assert three.agent("cancel", "1", "2", "1").out.splitlines() == ["task 1 is CANCELLED", "task 2 is CANCELLED"]
    said = three.agent_json("rm", "1", "2")
    assert [task["id"] for task in said["tasks"]] == [1, 2] and said["failed"] == []
    assert all(said["removed"][task]["worktrees"] for task in "12")
    three.agent("reopen", "1", "2")
    assert states(three) == ["OPEN", "OPEN", "ASSIGNED"]


def test_undo_takes_back_all_of_them_at_once(three: Sandbox) -> None:
    three.agent("cancel", "1", "2", "3")
    three.agent("rm", "1", "2", "3")
    three.agent("undo", "--yes")
    assert all(three.worktree(task).is_dir() for task in (1, 2, 3))
    three.agent("undo", "--yes")
    assert states(three) == ["ASSIGNED"] * 3


def test_release_fail_and_retry_several(three: Sandbox) -> None:
    for task in "12":
        three.agent("fail", task, "-m", "no")
    three.agent("retry", "1", "2")
    three.agent("release", "3")
    assert states(three) == ["OPEN"] * 3


def test_approve_goes_on_and_names_all(three: Sandbox) -> None:
    for task in (1, 3):
        three.commit(three.worktree(task), f"{task}.txt", "work\n")
        three.agent("done", str(task))
    said = three.agent("approve", "1", "2", "3", exit=3)
    assert "task 1 is APPROVED" in said.out and "task 3 is APPROVED" in said.out
    assert "error: cannot approve task 2" in said.err and "hint: " in said.err
    assert states(three) == ["APPROVED", "ASSIGNED", "APPROVED"]
    told = three.agent_json("approve", "1", "2", exit=3)
    assert [task["id"] for task in told["tasks"]] == [1]
    assert [(each["task"], each["error"]["code"]) for each in told["failed"]] == [(2, "wrong-state")]


def test_so_does_rm(three: Sandbox) -> None:
    three.agent("cancel", "1", "3")
    three.commit(three.worktree(1), "1.txt", "work\n")
    said = three.agent("rm", "1", "2", "3", exit=3)
    assert three.worktree(1).is_dir() and three.worktree(2).is_dir()
    assert "removed branch agent/3-task-3" in said.out and said.err.count("error: ") == 2


def test_several_take_a_task_after_its_command_stopped(three: Sandbox) -> None:
    three.agent("run", "1", "--detach", "--", "sleep", "100")
    said = three.agent("stop", "1", "2").out
    assert "task 1 is WORKING stopped" in said and "no command is running for task 2" in said


def test_a_worker_releases_only_its_own(three: Sandbox) -> None:
    three.agent("release", "1", "2", cwd=three.worktree(1), exit=3)
    assert states(three) == ["ASSIGNED"] * 3
