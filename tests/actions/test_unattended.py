"""A task that is to be worked on while nobody does is named, with the command that changes that."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox

NOBODY = "nobody works on it: git agent run 1 -- COMMAND"


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


@pytest.mark.rest
def test_a_run_ends_it(asked: Sandbox) -> None:
    asked.agent("answer", "1", "8421")
    asked.agent("run", "1", "--", "sh", "-c", "git agent status", exit=None)
    assert "nobody works" not in asked.agent("status").out


def command(repo: Sandbox) -> str:
    """Return the command that status proposes for the only task that needs a person."""
    (needed,) = repo.agent_json("status")["needs_you"]
    return str(needed["command"])


def test_without_a_configured_agent_the_command_to_type_needs_a_command(asked: Sandbox) -> None:
    asked.agent("answer", "1", "8421")
    assert command(asked) == "git agent run 1 -- COMMAND"
    assert "git agent run 1 -- COMMAND" in asked.agent("send", "1", "Hello").err
    assert "hint: git agent run 1 -- COMMAND" in asked.agent("run", "1", exit=2).err


def test_with_a_configured_agent_the_command_to_type_works_as_it_is(asked: Sandbox) -> None:
    asked.git("config", "agent.defaultAgent", "idle")
    asked.git("config", "agent.run.idle", "true")
    asked.agent("answer", "1", "8421")
    assert command(asked) == "git agent run 1"
    asked.agent("run", "1", exit=1)
    assert command(asked) == "git agent run 1"  # it is held now: no_commits


def test_what_was_sent_back_after_its_agent_ended_is_run_again_and_not_started_by_hand(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.agent("run", "1", "--", *WORK)
    assert NOBODY in repo.agent("request-changes", "1", "-m", "Sort it").out
    assert command(repo) == "git agent run 1 -- COMMAND"


def test_what_was_sent_back_to_a_worker_by_hand_is_started_again(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "README.md", "by hand\n")
    repo.agent("done", "1")
    repo.agent("request-changes", "1", "-m", "Sort it")
    assert command(repo) == "git agent start 1"
