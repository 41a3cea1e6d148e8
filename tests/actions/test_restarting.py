"""A supervisor that went down with its machine leaves a task that goes on where it was, as a person left it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.actions.supervised import Supervised, age, sql, supervise
from tests.sandbox import Sandbox


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return a stack that ends all processes of the test."""
    with ExitStack() as stack:
        yield stack


def _restarted(repo: Sandbox, worker: Supervised) -> None:
    """Let the machine have been restarted: no process of the earlier boot lives, and the lease has expired."""
    worker.kill_supervisor()
    worker.child.kill()
    sql(repo, "UPDATE session SET boot_id = 'another'")
    age(repo, 1, 130)


@pytest.fixture
def tree(repo: Sandbox, stack: ExitStack) -> Path:
    """Return the worktree of task 1, whose supervisor went down with the machine; a file is not committed."""
    tree = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.agent("start", "1")
    repo.write("draft", "half\n", cwd=tree)
    _restarted(repo, supervise(repo, 1, stack))
    return tree


def where(repo: Sandbox) -> tuple[str, str | None, int, str]:
    task = repo.tasks()[1]
    return task["state"], task["hold"], task["attempt"], task["worker"]["liveness"]


def test_the_next_command_holds_the_task_and_says_how_it_goes_on(repo: Sandbox, tree: Path) -> None:
    said = repo.agent("list").err
    assert "task 1: it was stopped when its machine restarted; git agent run 1 -- COMMAND continues" in said
    assert where(repo) == ("WORKING", "stopped", 1, "none")
    assert repo.agent("list").err == ""
    (need,) = repo.agent_json("status")["needs_you"]
    assert (need["why"], need["command"]) == ("was stopped when its machine restarted", "git agent run 1 -- COMMAND")
    assert repo.agent_json("doctor")["findings"] == []


def test_a_run_goes_on_in_the_same_worktree(repo: Sandbox, tree: Path) -> None:
    repo.agent("sync")
    repo.agent("run", "1", "--", "sh", "-c", "git add draft && git commit -qm Draft")
    assert where(repo)[:3] == ("IN_REVIEW", None, 1)


def test_so_does_a_run_before_any_other_command(repo: Sandbox, tree: Path) -> None:
    repo.agent("run", "1", "--", "sh", "-c", "git add draft && git commit -qm Draft")
    assert where(repo)[:3] == ("IN_REVIEW", None, 1)


def test_it_is_not_held_with_its_attempts_used_up_either(repo: Sandbox, tree: Path) -> None:
    repo.git("config", "agent.maxAttempts", "1")
    repo.agent("sync")
    assert where(repo)[:3] == ("WORKING", "stopped", 1)


def test_it_can_be_given_away(repo: Sandbox, tree: Path) -> None:
    repo.agent("sync")
    repo.agent("reassign", "1")
    assert where(repo)[:3] == ("ASSIGNED", None, 2) and (tree / "draft").exists()


def test_a_question_that_was_open_stays_open(repo: Sandbox, stack: ExitStack) -> None:
    tree = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.agent("start", "1")
    worker = supervise(repo, 1, stack)
    repo.agent("ask", "Which port?", cwd=tree)
    _restarted(repo, worker)
    repo.agent("sync")
    assert where(repo)[:3] == ("WORKING", "needs_input", 1)


def test_one_that_was_killed_while_its_machine_went_on_is_reaped(repo: Sandbox, stack: ExitStack) -> None:
    repo.agent("spawn", "Fix login")
    repo.agent("start", "1")
    worker = supervise(repo, 1, stack)
    worker.kill_supervisor()
    age(repo, 1, 130)
    assert "back in the queue" in repo.agent("list").err
    assert where(repo)[:2] == ("OPEN", None)


def test_many_commands_at_once_hold_it_once(repo: Sandbox, tree: Path) -> None:
    said = [result.err for result in repo.parallel([("list",)] * 6)]
    assert sum("was stopped" in err for err in said) == 1, said
