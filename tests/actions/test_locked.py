"""A worktree stays locked while it exists, so that git does not forget it while its disk is away."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def cancelled(repo: Sandbox) -> Sandbox:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.agent("cancel", "1")
    return repo


def locked(repo: Sandbox) -> bool:
    return "\nlocked git-agent: task 1" in repo.git("worktree", "list", "--porcelain")


def test_the_worktree_of_a_cancelled_task_stays_locked(cancelled: Sandbox) -> None:
    assert locked(cancelled)
    away = cancelled.worktree(1).rename(cancelled.path.parent / "away")
    cancelled.git("worktree", "prune", "--expire=now")
    away.rename(cancelled.path.parent / "my repo.worktrees/1-work")
    assert cancelled.git("status", "--short", cwd=cancelled.worktree(1)) == ""
    cancelled.agent("reopen", "1")


@pytest.mark.parametrize("verb", [("rm", "1", "--unmerged"), ("clean",)])
def test_it_is_removed_and_comes_back_locked(cancelled: Sandbox, verb: tuple[str, ...]) -> None:
    if verb == ("clean",):
        cancelled.git("merge", "--quiet", "agent/1-work")
    where = cancelled.worktree(1)
    cancelled.agent(*verb)
    assert not where.exists()
    cancelled.agent("undo", "--yes")
    assert where.is_dir() and locked(cancelled)
    cancelled.agent("rm", "1", "--unmerged")
    assert not where.exists()


def test_what_was_merged_comes_back_locked_too(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    where = repo.worktree(1)
    repo.commit(where, "work.txt", "work\n")
    for words in (("done", "1"), ("approve", "1"), ("merge", "1", "--keep"), ("clean",)):
        repo.agent(*words)
    repo.agent("undo", "--yes")
    assert where.is_dir() and locked(repo)
