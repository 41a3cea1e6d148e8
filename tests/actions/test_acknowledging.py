"""Agents rarely acknowledge: handing in and being primed do it for what they were shown, and for nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def where(repo: Sandbox) -> Path:
    """Return the worktree of task 1, which has a commit to hand in."""
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    return repo.worktree(1)


def missing(repo: Sandbox) -> list[str]:
    """Return the messages that status shows as not acknowledged."""
    return [line for line in repo.agent("status").out.splitlines() if line.startswith("not acknowledged")]


def open_mail(repo: Sandbox, whose: str) -> list[str]:
    return [m["body"] for m in repo.agent_json("inbox", "--as", whose, "--peek")["messages"]]


def test_done_acknowledges_what_the_worker_was_shown(repo: Sandbox, where: Path) -> None:
    repo.agent("send", "1", "Mind the tests", "--needs-ack")
    repo.agent("inbox", cwd=where)
    assert len(missing(repo)) == 1
    repo.agent("done", cwd=where)
    assert missing(repo) == [] and open_mail(repo, "1") == []


def test_done_acknowledges_nothing_that_it_was_not_shown(repo: Sandbox, where: Path) -> None:
    repo.agent("send", "1", "Mind the tests", "--needs-ack")
    repo.agent("done", cwd=where)
    assert len(missing(repo)) == 1 and open_mail(repo, "1") == ["Mind the tests"]


def test_nor_does_a_person_acknowledge_for_the_worker(repo: Sandbox, where: Path) -> None:
    repo.agent("send", "1", "Mind the tests", "--needs-ack")
    repo.agent("inbox", cwd=where)
    repo.agent("done", "1")
    assert len(missing(repo)) == 1


def test_handing_in_again_answers_a_request_for_changes(repo: Sandbox, where: Path) -> None:
    repo.agent("done", cwd=where)
    repo.agent("request-changes", "1", "-m", "Add a test")
    repo.agent("send", "1", "And another thing", "--needs-ack")
    repo.commit(where, "test.txt", "test\n")
    repo.agent("start", cwd=where)
    repo.agent("done", cwd=where)
    assert open_mail(repo, "1") == ["And another thing"]


def test_prime_acknowledges_what_it_shows_whole(repo: Sandbox, where: Path) -> None:
    repo.agent("send", "1", "Mind the tests", "--needs-ack")
    repo.agent("send", "1", "Two lines\nare one too many", "--needs-ack")
    repo.agent("send", "1", "Nobody waits for this")
    assert "Mind the tests" in repo.agent("prime", "1").out
    assert len(missing(repo)) == 2, "a person who looks is not the worker"
    repo.agent("prime", cwd=where)
    assert open_mail(repo, "1") == ["Two lines\nare one too many", "Nobody waits for this"]
    assert len(missing(repo)) == 1


def test_a_superseded_worker_acknowledges_nothing(repo: Sandbox, where: Path) -> None:
    repo.agent("reassign", "1")
    repo.agent("send", "1", "Mind the tests", "--needs-ack")
    repo.agent("prime", cwd=where)
    assert "Mind the tests" in open_mail(repo, "1")


def test_ack_all_leaves_what_was_not_shown(repo: Sandbox, where: Path) -> None:
    repo.agent("send", "@human", "First", cwd=where)
    repo.agent("send", "@coordinator", "Second", cwd=where)
    repo.agent("inbox")
    repo.agent("send", "@human", "Third", cwd=where)
    assert repo.agent("ack", "--all").out.count("is acknowledged") == 2
    assert open_mail(repo, "@human") == ["Third"] and open_mail(repo, "@coordinator") == []
    assert "no message" in repo.agent("ack", "--all").out
    repo.agent("ack", exit=2)
    repo.agent("ack", "--all", "1", exit=2)


def test_handing_in_mails_nobody_without_a_note(repo: Sandbox, where: Path) -> None:
    repo.agent("done", cwd=where)
    assert open_mail(repo, "@human") == []
    repo.agent("start", "1")
    repo.agent("done", "-m", "Look at the tests", cwd=where)
    assert open_mail(repo, "@human") == ["task 1 is ready for review: Work\n\nLook at the tests"]


def test_nor_does_a_push(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    repo.git("init", "--quiet", "--bare", str(tmp_path / "remote"))
    repo.git("remote", "add", "origin", str(tmp_path / "remote"))
    repo.git("push", "--quiet", "origin", "agent/1-work", cwd=where)
    assert repo.tasks()[1]["state"] == "IN_REVIEW" and open_mail(repo, "@human") == []


def test_show_has_in_one_line_what_an_attempt_that_is_over_acknowledged(repo: Sandbox, where: Path) -> None:
    repo.agent("send", "1", "Mind the tests\n\nand \x1b[31mthe docs, " + 200 * "x", "--needs-ack")
    repo.agent("prime", cwd=where)
    repo.agent("done", cwd=where)
    repo.agent("request-changes", "1", "-m", "Rename it")
    repo.agent("reassign", "1")
    lines = [line for line in repo.agent("show", "1").out.splitlines() if "message" in line and "ago message" in line]
    assert "to task 1: Mind the tests and \\x1b[31mthe docs, xxx" in lines[0] and lines[0].endswith("…")
    assert "whole: git agent log 1" in repo.agent("show", "1").out
    assert [m["body"] for m in repo.agent_json("show", "1")["messages"]][1] == "Rename it"


def test_show_lists_the_latest_messages_and_none_of_other_tasks(repo: Sandbox, where: Path) -> None:
    repo.agent("spawn", "Other")
    for number in range(7):
        repo.agent("send", "1", f"number {number}")
    repo.agent("send", "2", "to the other")
    repo.agent("send", "@all", "to all")
    bodies = [m["body"] for m in repo.agent_json("show", "1")["messages"]]
    assert bodies == ["number 3", "number 4", "number 5", "number 6", "to all"]
    assert [m["body"] for m in repo.agent_json("show", "2")["messages"]] == ["to the other", "to all"]
