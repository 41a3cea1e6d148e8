"""A trailer counts on a commit that a person or a forge made, not on one that came from a task's branch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox import Sandbox

SAYS = "Else\n\nAgent-Task: 1"


@pytest.fixture
def two(repo: Sandbox) -> Sandbox:
    """Tasks 1 and 2 are in review and change the same file; the commit of task 2 names task 1."""
    for title in ("Important", "Else"):
        repo.agent("spawn", title)
    repo.commit(repo.worktree(1), "n.txt", "important\n", "Important")
    repo.commit(repo.worktree(2), "n.txt", "else\n", SAYS)
    for task in ("1", "2"):
        repo.agent("done", task)
    return repo


def branch(repo: Sandbox) -> str:
    return str(repo.agent_json("show", "2")["task"]["branch"])


def merged_by(strategy: str) -> Callable[[Sandbox], None]:
    def land(repo: Sandbox) -> None:
        repo.commit(repo.path, "other.txt", "1\n")
        repo.agent("approve", "2")
        repo.agent("merge", "2", "--strategy", strategy)

    land.__name__ = strategy
    return land


def merged_by_hand(repo: Sandbox) -> None:
    repo.commit(repo.path, "other.txt", "1\n")
    repo.git("merge", "--no-edit", branch(repo))


def fast_forwarded_by_hand(repo: Sandbox) -> None:
    repo.git("merge", "--ff-only", branch(repo))


def picked(repo: Sandbox) -> None:
    repo.commit(repo.path, "other.txt", "1\n")
    repo.git("cherry-pick", branch(repo))


def squashed_with_all_messages(repo: Sandbox) -> None:
    repo.commit(repo.worktree(2), "more.txt", "more\n", "More")
    repo.git("merge", "--squash", branch(repo))
    repo.git("commit", "-m", f"Else (#2)\n\n* More\n\n{SAYS}")


def merged_after_an_amend(repo: Sandbox) -> None:
    old = repo.git("rev-parse", branch(repo))
    repo.git("commit", "--amend", "-m", "Else", cwd=repo.worktree(2))
    repo.agent("list")
    repo.git("merge", "--ff-only", old)


@pytest.mark.parametrize(
    "land",
    [
        *map(merged_by, ["merge", "squash", "rebase"]),
        merged_by_hand,
        fast_forwarded_by_hand,
        picked,
        squashed_with_all_messages,
        merged_after_an_amend,
    ],
)
def test_a_worker_completes_no_other_task_with_a_trailer(two: Sandbox, land: Callable[[Sandbox], None]) -> None:
    land(two)
    assert two.tasks()[1]["state"] == "IN_REVIEW"


def test_a_person_vouches_for_an_edited_squash_with_a_trailer(two: Sandbox) -> None:
    two.git("merge", "--squash", str(two.agent_json("show", "1")["task"]["branch"]))
    (two.path / "n.txt").write_text("important, and edited\n")
    two.git("commit", "--all", "-m", "Important (#1)\n\nAgent-Task: 1")
    assert two.tasks()[1]["state"] == "COMPLETED"
