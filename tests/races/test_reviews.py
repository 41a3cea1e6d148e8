"""Reviewers and mergers at the same time: one result, one merge, nothing lost."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox, run_at_once


def _in_review(repo: Sandbox, number: int, *, approve: bool = False) -> None:
    """Bring tasks 1 to number into review, each with a file of its own."""
    for task in range(1, number + 1):
        worktree = Path(repo.agent("spawn", f"Task {task}").out.splitlines()[-1])
        repo.commit(worktree, f"task-{task}.txt", f"work of task {task}\n", f"Do task {task}")
        repo.agent("done", cwd=worktree)
    if approve:
        repo.agent("approve", *map(str, range(1, number + 1)))


def _events(repo: Sandbox, task: int) -> list[dict[str, Any]]:
    lines = map(json.loads, repo.agent("log", str(task), "--json").out.splitlines())
    return [line["event"] for line in lines if "event" in line]


def _assert_events_fit(repo: Sandbox) -> None:
    """Check that each task's state is where its events lead."""
    for task in repo.tasks().values():
        moves = [(event["from"], event["to"]) for event in _events(repo, task["id"]) if event["to"]]
        assert [source for source, _ in moves] == [None, *(target for _, target in moves[:-1])], moves
        assert moves[-1][1] == task["state"]


def test_approve_and_request_changes_at_once_give_one_result(repo: Sandbox) -> None:
    _in_review(repo, 2)
    commands = []
    for task in ("1", "2"):
        commands += [("approve", task), ("request-changes", task, "-m", "Not yet")]
    results = repo.parallel(commands)
    tasks = repo.tasks()
    for number in (1, 2):
        approved, asked = results[2 * number - 2 : 2 * number]
        task = tasks[number]
        # An approval can be taken back, so both may have happened, one after the other; never both at once.
        if task["state"] == "APPROVED":
            raise AssertionError(f"changes were requested, and got lost\n{approved}\n{asked}")
        assert (task["state"], task["hold"], task["reviewed_oid"]) == ("WORKING", "changes_requested", None)
        assert asked.code == 0 and approved.code in (0, 3), (str(approved), str(asked))
    _assert_events_fit(repo)


def test_six_approvals_at_once_are_one_approval(repo: Sandbox) -> None:
    _in_review(repo, 1)
    results = repo.parallel([("approve", "1")] * 6)
    # Done, done already, or refused since it changed meanwhile: never an error.
    assert {result.code for result in results} <= {0, 3} and 0 in {result.code for result in results}, results
    assert repo.tasks()[1]["state"] == "APPROVED"
    assert [event["kind"] for event in _events(repo, 1)].count("task.approved") == 1


@pytest.mark.timeout(110)
def test_of_four_merges_of_one_task_at_once_one_merges(repo: Sandbox) -> None:
    _in_review(repo, 1, approve=True)
    before = repo.git("rev-parse", "main")
    results = repo.parallel([("merge", "1")] * 4)
    codes = Counter(result.code for result in results)
    assert codes[0] >= 1 and set(codes) <= {0, 3, 6}, "\n".join(map(str, results))
    assert all(result.code != 3 or "changed by somebody else" in result.err for result in results), results
    merges = repo.git("rev-list", "--merges", f"{before}..main").splitlines()
    assert len(merges) == 1
    task = repo.tasks()[1]
    assert (task["state"], task["merged_oid"], task["merged_by"]) == ("COMPLETED", merges[0], "merge")
    assert repo.git("rev-parse", "main") == merges[0]
    assert repo.git("status", "--porcelain") == ""
    assert (repo.path / "task-1.txt").read_text() == "work of task 1\n"
    _assert_events_fit(repo)
    repo.agent("merge", "1")  # and again says that it is done


@pytest.mark.timeout(110)
def test_merges_of_four_tasks_at_once_all_land(repo: Sandbox) -> None:
    _in_review(repo, 4, approve=True)
    before = repo.git("rev-parse", "main")
    results = repo.parallel([("merge", str(number)) for number in (1, 2, 3, 4)])
    assert {result.code for result in results} <= {0, 6}, "\n".join(map(str, results))
    for number, result in enumerate(results, 1):
        if result.code == 6:  # it says try again
            repo.agent("merge", str(number))
    assert {task["state"] for task in repo.tasks().values()} == {"COMPLETED"}
    for number in (1, 2, 3, 4):
        assert repo.git("show", f"main:task-{number}.txt") == f"work of task {number}"
        assert (repo.path / f"task-{number}.txt").read_text() == f"work of task {number}\n"
    assert len(repo.git("rev-list", "--merges", f"{before}..main").splitlines()) == 4
    assert repo.git("status", "--porcelain") == ""
    assert len(repo.git("worktree", "list").splitlines()) == 1
    _assert_events_fit(repo)


@pytest.mark.timeout(110)
def test_a_merge_and_a_cancel_at_once_give_one_result(repo: Sandbox) -> None:
    _in_review(repo, 2, approve=True)
    before = repo.git("rev-parse", "main")
    results = repo.parallel([("merge", "1"), ("cancel", "1"), ("cancel", "2"), ("merge", "2")])
    assert {result.code for result in results} <= {0, 3, 6}, "\n".join(map(str, results))
    landed = repo.git("log", "--format=%s", "--no-merges", f"{before}..main").splitlines()
    for number, task in repo.tasks().items():
        expected = "COMPLETED" if f"Do task {number}" in landed else "CANCELLED"
        assert task["state"] == expected, "\n".join(map(str, results))
    assert repo.git("status", "--porcelain") == ""
    _assert_events_fit(repo)


def test_a_commit_during_the_approval_is_never_approved_unseen(repo: Sandbox) -> None:
    _in_review(repo, 1)
    worktree = Path(repo.tasks()[1]["worktree"])
    seen = repo.git("rev-parse", "HEAD", cwd=worktree)
    commit = f"cd '{worktree}' && echo more >more.txt && git add more.txt && git commit -q -m more"
    results = run_at_once([("git", "agent", "approve", "1", "--at", seen), ("sh", "-c", commit)], cwd=repo.path)
    assert results[1].code == 0, results
    task = repo.tasks()[1]
    tip = repo.git("rev-parse", "HEAD", cwd=worktree)
    # Approved for what was seen and fallen back since, or refused: in no case is the new tip approved.
    if task["state"] == "APPROVED":
        assert task["reviewed_oid"] != tip or _same_patch(repo, seen, tip)
    merged = repo.agent("merge", "1", exit=None)
    if merged.code == 0:
        assert _same_patch(repo, seen, tip)


def _same_patch(repo: Sandbox, one: str, two: str) -> bool:
    return repo.git("diff", one, two) == ""
