"""A reopened task has what was not merged: late commits after a merge, and everything that a cancelled task has."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox

MERGES = ["merge --ff-only", "merge --no-ff --no-edit", "merge --squash"]


@pytest.fixture
def working(repo: Sandbox) -> Sandbox:
    """Task 1 has a commit."""
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n", "Work")
    repo.agent("list")
    return repo


def merge(repo: Sandbox, how: str) -> None:
    repo.git(*how.split(), "--quiet", "agent/1-work")
    if "squash" in how:
        repo.git("commit", "--quiet", "-m", "Squashed")


def ahead(repo: Sandbox) -> int:
    return int(repo.tasks()[1]["ahead"])


def test_a_reopened_cancelled_task_still_has_its_commits(working: Sandbox) -> None:
    working.agent("cancel", "1")
    working.agent("reopen", "1")
    assert ahead(working) == 1
    assert "work.txt" in working.agent("diff", "1", "--stat").out
    assert len(working.agent_json("show", "1")["commits"]) == 1


@pytest.mark.parametrize("how", MERGES)
def test_a_merge_of_it_by_hand_completes_it(working: Sandbox, how: str) -> None:
    working.agent("cancel", "1")
    working.agent("reopen", "1")
    merge(working, how)
    assert working.tasks()[1]["state"] == "COMPLETED"


def test_a_cancelled_task_without_a_commit_still_has_none(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    for verb in ("cancel", "reopen"):
        repo.agent(verb, "1")
    assert ahead(repo) == 0
    repo.commit(repo.path, "a.txt", "a\n")
    assert repo.tasks()[1]["state"] == "OPEN"


@pytest.mark.parametrize("how", MERGES)
def test_late_commits_of_a_merged_task_are_its_work_once_it_is_reopened(working: Sandbox, how: str) -> None:
    merge(working, how)
    assert working.tasks()[1]["state"] == "COMPLETED"
    working.commit(working.worktree(1), "late.txt", "late\n", "Late")
    working.agent("reopen", "1")
    assert ahead(working) == 1
    working.commit(working.worktree(1), "later.txt", "later\n", "Later")
    assert ahead(working) == 2
    shown = working.agent("diff", "1", "--stat").out
    assert "late.txt" in shown and "later.txt" in shown


def test_merging_late_commits_completes_the_task_again(working: Sandbox) -> None:
    merge(working, MERGES[0])
    assert working.tasks()[1]["state"] == "COMPLETED"
    working.commit(working.worktree(1), "late.txt", "late\n", "Late")
    working.agent("reopen", "1")
    merge(working, MERGES[0])
    assert working.tasks()[1]["state"] == "COMPLETED"


def test_the_next_attempt_lands_them(working: Sandbox) -> None:
    merge(working, MERGES[2])
    working.agent("list")
    working.commit(working.worktree(1), "late.txt", "late\n", "Late")
    working.agent("reopen", "1")
    working.agent("spawn", "1")
    working.agent("done", "1")
    working.agent("approve", "1")
    assert "--strategy squash" in working.agent("merge", "1", exit=3).err  # else the squashed commits come in again
    working.agent("merge", "1", "--strategy", "squash")
    assert working.git("show", "main:late.txt") == "late"
