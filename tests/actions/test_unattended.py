"""A task that is to be worked on while nobody does is named, with the command that changes that."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox

NOBODY = "nobody works on it: git agent run 1"


@pytest.fixture
def asked(repo: Sandbox) -> Sandbox:
    """The agent of task 1 asked a question, and ended."""
    repo.agent("spawn", "Work")
    repo.agent("run", "1", "--", "git", "agent", "ask", "Which port?", exit=None)
    return repo


def named(repo: Sandbox) -> bool:
    """Tell whether status, show and doctor name it."""
    status = "nobody works on it" in repo.agent("status").out and "git agent run 1" in repo.agent("status").out
    show = "nobody works on it" in repo.agent("show", "1").out
    found = repo.agent_json("doctor", exit=None)["findings"]
    return (status, show, [each["code"] for each in found]) == (True, True, ["nobody-works"])


def test_after_an_answer_to_an_agent_that_ended(asked: Sandbox) -> None:
    assert NOBODY in asked.agent("answer", "1", "8421").out
    assert named(asked)


def test_after_a_cancel_was_undone(asked: Sandbox) -> None:
    asked.agent("answer", "1", "8421")
    asked.agent("cancel", "1")
    assert NOBODY in asked.agent("undo", "--yes").out
    assert named(asked)


def test_after_a_person_started_what_was_run(asked: Sandbox) -> None:
    asked.agent("answer", "1", "8421")
    assert NOBODY in asked.agent("start", "1").out
    assert named(asked)


WORK = ("sh", "-c", "echo run >README.md && git commit --quiet --all --message Work")


def test_after_a_request_for_changes_to_an_agent_that_ended(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.agent("run", "1", "--", *WORK)
    said = repo.agent("request-changes", "1", "-m", "Sort it").out
    assert NOBODY in said and "its worker" not in said


def test_after_a_conflict_of_an_agent_that_ended(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.agent("run", "1", "--", *WORK)
    repo.commit(None, "README.md", "base\n")
    repo.agent("approve", "1")
    said = repo.agent("merge", "1", exit=4).err
    assert NOBODY in said and "its worker has" not in said


def test_not_of_a_worker_whose_work_is_sent_back(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "README.md", "by hand\n")
    repo.agent("done", "1")
    assert "its worker has a message" in repo.agent("request-changes", "1", "-m", "Sort it").out


def test_not_of_an_agent_that_asks_from_its_own_terminal(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.agent("start", cwd=repo.worktree(1))
    repo.agent("ask", "Which port?", cwd=repo.worktree(1))
    assert "its worker has a message" in repo.agent("answer", "1", "8421").out
    assert "nobody works" not in repo.agent("status").out


def test_not_while_it_waits_for_an_answer_nor_after_a_spawn(asked: Sandbox) -> None:
    asked.agent("spawn", "Other")
    assert "nobody works" not in asked.agent("status").out + asked.agent("show", "2").out


def test_a_run_ends_it(asked: Sandbox) -> None:
    asked.agent("answer", "1", "8421")
    asked.agent("run", "1", "--", "sh", "-c", "git agent status", exit=None)
    assert "nobody works" not in asked.agent("status").out
