"""Which edited squashes git agent calls likely merged, as docs/hooks.md says, and why it does."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox

ALREADY = "if so: git agent merge 1 --already"


@pytest.fixture
def edited(repo: Sandbox) -> Sandbox:
    """A task's branch is pushed; main has a squash of it, not committed yet, with another change in the same file."""
    there = repo.path.parent / "origin.git"
    repo.git("init", "--quiet", "--bare", there)
    repo.git("remote", "add", "origin", there)
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.agent("list")
    repo.git("merge", "--quiet", "--squash", "agent/1-work")
    repo.write("work.txt", "edited\n")
    repo.git("add", "work.txt")
    return repo


def shown(repo: Sandbox) -> str:
    return " ".join(repo.agent_json("show", "1")["observed"])


def test_an_edited_squash_of_a_branch_that_the_remote_lost_is_likely(edited: Sandbox) -> None:
    edited.git("push", "--quiet", "origin", "agent/1-work")
    edited.agent("list")
    edited.git("commit", "--quiet", "-m", "Work, edited")
    edited.git("push", "--quiet", "origin", "--delete", "agent/1-work")
    assert ALREADY in edited.agent("list").err
    assert "its remote branch is gone and 'main' moved on" in shown(edited)


def test_so_is_one_whose_message_names_the_last_commit(edited: Sandbox) -> None:
    edited.git("commit", "--quiet", "--no-edit")
    assert ALREADY in edited.agent("list").err
    assert "a new commit of 'main' names it" in shown(edited) and "remote branch" not in shown(edited)


def test_so_is_an_edited_pick_that_names_its_source(edited: Sandbox) -> None:
    tip = edited.git("rev-parse", "agent/1-work")
    edited.git("commit", "--quiet", "-m", f"Work\n\n(cherry picked from commit {tip})")
    assert ALREADY in edited.agent("list").err


def test_one_that_was_never_pushed_and_names_nothing_is_not_noticed_but_can_be_recorded(edited: Sandbox) -> None:
    edited.git("commit", "--quiet", "-m", "Work, edited")
    assert "likely" not in edited.agent("list").err + shown(edited)
    edited.agent("merge", "1", "--already")
    assert edited.tasks()[1]["state"] == "COMPLETED"
