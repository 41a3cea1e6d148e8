"""A base that was renamed is followed, and one that is gone is said, with the command that helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.whole import rows, wrong
from tests.sandbox import Sandbox

GONE = "its base 'next' is gone"
HELP = "git agent edit {} --base BRANCH"


def needs(repo: Sandbox) -> dict[int, tuple[str, str]]:
    return {n["task"]: (n["why"], n["command"]) for n in repo.agent_json("status")["needs_you"]}


def bases(repo: Sandbox) -> list[str]:
    return [task["base"] for task in repo.tasks().values()]


def work(repo: Sandbox, task: int) -> Path:
    where = repo.worktree(task)
    repo.commit(where, f"{task}.txt", f"{task}\n")
    return where


@pytest.fixture
def gone(repo: Sandbox) -> Sandbox:
    """Task 1 is OPEN, 2 has work, 3 is IN_REVIEW, 4 is APPROVED, and their base is deleted."""
    repo.git("branch", "next")
    repo.agent("add", "One", "--base", "next")
    for title in ("Two", "Three", "Four"):
        repo.agent("spawn", title, "--base", "next")
    for task in (2, 3, 4):
        work(repo, task)
    repo.agent("done", "3")
    repo.agent("done", "4")
    repo.agent("approve", "4")
    repo.git("branch", "-D", "next")
    return repo


def test_every_unfinished_task_whose_base_is_gone_needs_a_person(gone: Sandbox) -> None:
    assert needs(gone) == {task: (GONE, HELP.format(task)) for task in (1, 2, 3, 4)}


def test_a_question_of_its_worker_comes_first(gone: Sandbox) -> None:
    gone.agent("ask", "Which one?", cwd=gone.worktree(2))
    assert needs(gone)[2] == ("asks: Which one?", "git agent answer 2 TEXT")


@pytest.mark.parametrize("verb", [("done", "2"), ("done", "2", "--rebase"), ("merge", "4"), ("reassign", "2")])
def test_a_verb_that_needs_the_base_says_that_it_is_gone(gone: Sandbox, verb: tuple[str, ...]) -> None:
    said = gone.agent_json(*verb, exit=1)["error"]
    assert GONE in said["message"] and said["hint"] == HELP.format(verb[1]) and wrong(gone) == []


def test_a_run_ends_with_a_hold_and_can_be_handed_in_afterwards(gone: Sandbox) -> None:
    gone.agent("run", "2", "--", "true", exit=None)
    assert gone.tasks()[2]["state"] == "WORKING" and GONE in gone.tasks()[2]["reason"]
    assert rows(gone, "select * from lease where task = 2") == []
    gone.agent("edit", "2", "--base", "main")
    gone.agent("done", "2")
    assert gone.tasks()[2]["state"] == "IN_REVIEW"


def test_a_push_by_url_does_not_stop_every_command(gone: Sandbox, tmp_path: Path) -> None:
    gone.git("init", "--quiet", "--bare", tmp_path / "there.git")
    gone.git("push", "--quiet", tmp_path / "there.git", "agent/2-two", cwd=gone.worktree(2))
    gone.agent("sync")
    gone.agent("list")


def test_nor_do_the_verbs_that_only_show(gone: Sandbox) -> None:
    gone.agent("edit", "2", "--base", "main")
    gone.agent("reassign", "2")
    gone.git("branch", "-D", "agent/4-four", check=False)
    for verb in (("prime", "2"), ("prime", "3"), ("show", "3"), ("diff", "3"), ("conflicts",), ("log", "3")):
        gone.agent(*verb)
    gone.agent("cancel", "3")
    said = gone.agent("rm", "3", exit=3).err
    assert "agent/3-three has commits, and its base 'next' is gone" in said


def test_a_renamed_base_is_followed_by_all_its_tasks(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    repo.agent("add", "Two")
    repo.agent("list")
    repo.git("branch", "-m", "main", "trunk")
    said = repo.agent("list").err
    assert said.count("'main' was renamed to 'trunk', which is now the base of tasks 1 and 2") == 1
    assert bases(repo) == ["trunk", "trunk"] and "renamed" not in repo.agent("list").err
    work(repo, 1)
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    assert repo.git("ls-tree", "--name-only", "trunk", "1.txt") == "1.txt" and wrong(repo) == []


def test_a_base_that_was_renamed_twice_between_two_commands_is_followed(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    repo.git("branch", "-m", "main", "trunk")
    repo.git("branch", "-m", "trunk", "topic/base")
    repo.git("branch", "copy", "topic/base")
    assert bases(repo) == ["topic/base"]


def test_so_is_one_that_only_the_queue_has_and_that_was_renamed_back(repo: Sandbox) -> None:
    repo.git("branch", "next")
    repo.agent("add", "One", "--base", "next")
    repo.git("branch", "-m", "next", "later")
    assert bases(repo) == ["later"]
    repo.git("branch", "-m", "later", "next")
    assert bases(repo) == ["next"]


def test_a_merge_into_a_base_that_was_renamed_can_be_undone(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    work(repo, 1)
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    before = repo.git("rev-parse", "main~1")
    repo.git("branch", "-m", "main", "trunk")
    repo.agent("undo")
    assert repo.git("rev-parse", "trunk") == before and repo.tasks()[1]["state"] == "APPROVED"
    assert repo.agent_json("show", "1")["task"]["base"] == "trunk" and wrong(repo) == []


def test_a_merge_that_a_renamed_base_loses_is_noticed(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    work(repo, 1)
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    repo.git("branch", "-m", "main", "trunk")
    repo.agent("list")
    repo.git("reset", "--quiet", "--hard", "HEAD~1")
    assert "'trunk' was moved back" in repo.agent("list").err


def test_the_branch_of_another_task_is_not_followed_as_a_base_but_given_its_name_back(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    work(repo, 1)
    repo.agent("spawn", "Two", "--base", "agent/1-one")
    repo.git("branch", "-m", "agent/1-one", "mine")
    assert "git branch -m mine agent/1-one undoes that" in repo.agent("list").err
    assert bases(repo) == ["main", "agent/1-one"]
    repo.git("branch", "-m", "mine", "agent/1-one")
    assert needs(repo) == {}


def test_without_reflogs_nothing_is_guessed(repo: Sandbox) -> None:
    repo.git("config", "core.logAllRefUpdates", "false")
    repo.git("branch", "next")
    repo.agent("add", "One", "--base", "next")
    repo.git("branch", "-m", "next", "later")
    assert bases(repo) == ["next"] and needs(repo)[1][0] == GONE


def test_git_is_asked_once_for_the_name_of_a_base_that_is_gone(gone: Sandbox) -> None:
    gone.agent("list")
    traced = gone.agent("list", env={"GIT_AGENT_TRACE": "1"}).err
    assert "--walk-reflogs" not in traced and "for-each-ref" in traced
    assert json.loads(gone.agent("list", "--json").out)["tasks"][0]["base"] == "next"
