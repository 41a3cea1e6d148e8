"""A person is asked before much changes at once; what is done then is what was shown, whatever happened meanwhile."""

from __future__ import annotations

import pytest

from tests.cli.terminal import Terminal
from tests.sandbox import Sandbox


@pytest.fixture
def cancelled(repo: Sandbox) -> Terminal:
    """Two tasks of three were cancelled, and removed."""
    for task in ("1", "2", "3"):
        repo.agent("spawn", f"Task {task}")
        repo.commit(repo.worktree(int(task)), f"{task}.txt", "x\n")
    for task in ("1", "2"):
        repo.agent("cancel", task)
        repo.agent("rm", task, "--unmerged")
    return Terminal(repo.path)


def states(repo: Sandbox) -> list[str]:
    return [task["state"] for task in repo.tasks().values()]


def test_several_operations_are_undone_after_a_yes_and_none_that_happened_meanwhile(
    repo: Sandbox, cancelled: Terminal
) -> None:
    words = ("git", "agent", "undo", "4")
    said = cancelled.type(*words, asked="Undo these 4? [y/N]:", answer=lambda: "n\n")
    assert "would bring back branch agent/2-task-2" in said and "error: nothing was undone\n" in said
    assert states(repo) == ["CANCELLED", "CANCELLED", "WORKING"]

    def meanwhile() -> str:
        repo.agent("cancel", "3")
        return "y\n"

    said = cancelled.type(*words, asked="Undo these 4? [y/N]:", answer=meanwhile)
    assert states(repo) == ["WORKING", "WORKING", "CANCELLED"], said


def test_what_is_pruned_is_what_was_shown(repo: Sandbox, cancelled: Terminal) -> None:
    words = ("git", "agent", "rescue", "prune", "--older-than", "0s")
    said = cancelled.type(*words, asked="for good? [y/N]:", answer=lambda: "n\n")
    assert "would delete 1/1 tip: Change a file\n" in said and "error: nothing was deleted\n" in said

    def meanwhile() -> str:
        repo.agent("cancel", "3")
        repo.agent("rm", "3", "--unmerged")
        return "y\n"

    said = cancelled.type(*words, asked="for good? [y/N]:", answer=meanwhile)
    kept = [each["ref"] for each in repo.agent_json("rescue")["rescues"]]
    assert kept == ["3/1"], said
