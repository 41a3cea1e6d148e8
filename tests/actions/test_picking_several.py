"""Between two of several picks or reverts, git's list of what is left is the only sign; the operation goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

Begin = Callable[[Sandbox, Path], None]


@pytest.fixture
def where(repo: Sandbox) -> Path:
    """Return the worktree of a task, beside a branch whose three commits conflict with it."""
    repo.git("switch", "--quiet", "--create", "picks")
    for number in range(3):
        repo.commit(None, "a.txt", f"{number}\n")
    repo.git("switch", "--quiet", "main")
    repo.agent("spawn", "Work")
    return repo.worktree(1)


def pick(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "a.txt", "x\n")
    assert repo.run("git", "cherry-pick", "main..picks", cwd=where).code != 0
    resolve(repo, where)


def revert(repo: Sandbox, where: Path) -> None:
    for number in range(3):
        repo.commit(where, "a.txt", f"{number}\n")
    repo.commit(where, "a.txt", "x\n")
    assert repo.run("git", "revert", "--no-edit", "HEAD~3..HEAD~1", cwd=where).code != 0
    resolve(repo, where)


def resolve(repo: Sandbox, where: Path) -> None:
    """Commit by hand what conflicts, as people do, without --continue."""
    repo.commit(where, "a.txt", "resolved\n")
    assert not (Path(repo.git("rev-parse", "--absolute-git-dir", cwd=where)) / "CHERRY_PICK_HEAD").exists()
    assert repo.git("status", "--porcelain", cwd=where) == ""


CASES = [(pick, "cherry-pick"), (revert, "revert")]


@pytest.mark.parametrize(("begin", "name"), CASES)
def test_done_is_refused_and_names_the_way_on(repo: Sandbox, where: Path, begin: Begin, name: str) -> None:
    begin(repo, where)
    said = repo.agent("done", "1", exit=3).err
    assert name in said and f"{name} --" in said
    repo.git(name, "--quit", cwd=where)
    repo.agent("done", "1")


@pytest.mark.parametrize(("begin", "name"), CASES)
def test_the_worktree_is_not_removed(repo: Sandbox, where: Path, begin: Begin, name: str) -> None:
    begin(repo, where)
    repo.agent("cancel", "1")
    assert name in repo.agent("rm", "1", "--unmerged", exit=3).err
    assert where.exists()


def test_nothing_lands_in_a_checkout_of_the_base_that_picks(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "work.txt", "work\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    pick(repo, repo.path)
    said = repo.agent("merge", "1", exit=3).err
    assert "a cherry-pick is in progress" in said
    repo.git("cherry-pick", "--quit")
    repo.agent("merge", "1")


def test_nothing_is_undone_there(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "work.txt", "work\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    merge = repo.git("rev-parse", "main")
    pick(repo, repo.path)
    repo.git("reset", "--quiet", "--soft", merge)
    repo.git("restore", "--staged", "--worktree", ".")
    assert "a cherry-pick is in progress" in repo.agent("undo", exit=3).err


def test_a_single_pick_that_was_committed_leaves_no_sign(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "a.txt", "x\n")
    assert repo.run("git", "cherry-pick", "picks", cwd=where).code != 0
    resolve(repo, where)
    repo.agent("done", "1")
