"""A recorded merge that the base no longer contains is noticed, and what waits for it is not handed out."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def merged(repo: Sandbox) -> Sandbox:
    """Task 1 is COMPLETED, task 2 waits for it and is ready."""
    repo.agent("spawn", "Parent")
    repo.commit(repo.worktree(1), "a.txt", "a\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    repo.agent("add", "Child", "--after", "1")
    assert ready(repo) == {2}
    return repo


def ready(repo: Sandbox) -> set[int]:
    return {task["id"] for task in repo.agent_json("ready")["tasks"]}


def lost(repo: Sandbox) -> list[int]:
    return [each["task"] for each in repo.agent_json("doctor", exit=None)["findings"] if each["code"] == "merge-lost"]


def reset(repo: Sandbox) -> None:
    repo.git("reset", "--quiet", "--hard", "HEAD~1")


def rebased_away(repo: Sandbox) -> None:
    repo.git("checkout", "--quiet", "--orphan", "new")
    repo.git("commit", "--quiet", "--all", "-m", "Fresh")
    repo.git("branch", "--quiet", "-M", "main")


def moved_by_update_ref(repo: Sandbox) -> None:
    repo.git("update-ref", "refs/heads/main", "main~1")


def restored_from_a_backup(repo: Sandbox) -> None:
    """The object is gone, too."""
    reset(repo)
    for ref in repo.git("for-each-ref", "--format=%(refname)", "refs/git-agent").split():
        repo.git("update-ref", "-d", ref)
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")


@pytest.mark.parametrize("how", [reset, rebased_away, moved_by_update_ref, restored_from_a_backup])
def test_a_merge_that_is_lost_is_named_and_its_child_waits(merged: Sandbox, how) -> None:  # type: ignore[no-untyped-def]
    how(merged)
    assert lost(merged) == [1]
    assert "lacks the merge of task 1" in merged.agent("list").err
    assert "no longer contains its merge" in merged.agent("status").out
    assert "no longer contains its merge" in merged.agent("show", "1").out
    assert ready(merged) == set()
    assert "its merge was reverted or lost" in merged.agent("claim", "2", exit=3).err
    assert lost(merged) == [1]


def test_it_is_as_before_when_the_base_has_it_again(merged: Sandbox) -> None:
    tip = merged.git("rev-parse", "main")
    reset(merged)
    merged.agent("list")
    merged.git("reset", "--quiet", "--hard", tip)
    assert "contains the merge of task 1 again" in merged.agent("list").err
    assert ready(merged) == {2} and lost(merged) == []
    assert "no longer" not in merged.agent("status").out


def test_reopening_the_task_ends_it(merged: Sandbox) -> None:
    reset(merged)
    merged.agent("reopen", "1")
    assert lost(merged) == []
    assert "no longer contains" not in merged.agent("status").out


def test_a_child_waits_for_a_merge_that_a_commit_reverted(merged: Sandbox) -> None:
    merged.git("revert", "--no-edit", "-m", "1", "HEAD")
    assert ready(merged) == set() and lost(merged) == []


def test_what_was_merged_on_the_remote_only_is_not_lost(merged: Sandbox) -> None:
    merged.git("update-ref", "refs/remotes/origin/main", "main")
    merged.git("update-ref", "refs/remotes/origin/other/main", "main~1")
    reset(merged)
    merged.agent("list")
    assert lost(merged) == [] and ready(merged) == {2}
