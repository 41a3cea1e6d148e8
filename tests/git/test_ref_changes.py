"""RefChanges: whatever moves a branch is noticed without running git, and what moves none costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from git_agent.git import ref_changes
from git_agent.git.ref_changes import RefChanges
from tests.sandbox import Sandbox

MOVES: dict[str, Callable[[Sandbox], object]] = {
    "a commit": lambda repo: repo.commit(None, "a.txt", "a\n"),
    "a new branch in a new directory": lambda repo: repo.git("branch", "topic/x"),
    "a branch that is deleted": lambda repo: repo.git("branch", "-D", "old"),
    "a packed branch that is deleted": lambda repo: repo.git("branch", "-D", "packed"),
    "a packed branch that moves": lambda repo: repo.git("branch", "-f", "packed", "HEAD~1"),
    "a remote-tracking branch": lambda repo: repo.git("update-ref", "refs/remotes/origin/main", "HEAD"),
    "packing": lambda repo: repo.git("pack-refs", "--all"),
}


@pytest.fixture
def changes(repo: Sandbox) -> RefChanges:
    repo.commit(None, "b.txt", "b\n")
    repo.git("branch", "packed")
    repo.git("pack-refs", "--all")
    repo.git("branch", "old")
    found = RefChanges(str(repo.path / ".git"))
    assert found.happened() and found.complete
    return found


@pytest.mark.parametrize("what", MOVES)
def test_what_moves_a_branch_is_noticed_once(repo: Sandbox, changes: RefChanges, what: str) -> None:
    MOVES[what](repo)
    assert changes.happened() and not changes.happened()


def test_a_branch_in_a_directory_that_was_new_is_noticed(repo: Sandbox, changes: RefChanges) -> None:
    repo.git("branch", "topic/x")
    assert changes.happened()
    repo.git("branch", "-f", "topic/x", "HEAD~1")
    assert changes.happened()


def test_reading_and_changing_files_moves_no_branch(repo: Sandbox, changes: RefChanges) -> None:
    (repo.path / "b.txt").write_text("c\n")
    repo.git("add", "b.txt")
    repo.git("status")
    repo.git("for-each-ref")
    assert not changes.happened()


def test_a_note_of_a_hook_is_noticed(repo: Sandbox, tmp_path: Path) -> None:
    changes = RefChanges(str(repo.path / ".git"), str(tmp_path))
    assert changes.happened() and not changes.happened()
    (tmp_path / "note").touch()
    assert changes.happened() and str(tmp_path) in changes.directories


def test_of_too_many_directories_it_says_that_some_are_left_out(
    repo: Sandbox, changes: RefChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        repo.git("branch", f"topic-{number}/x")
    monkeypatch.setattr(ref_changes, "_MOST", 5)
    assert changes.happened() and not changes.complete and len(changes.directories) < 5
