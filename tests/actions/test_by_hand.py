"""What people and agents do by hand with git is noticed, named, and never silently undone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox


def _started(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "login.py", "fixed\n")
    repo.agent("start", "1")


@pytest.fixture
def where(repo: Sandbox, worlds: Worlds) -> Path:
    """Return the worktree of task 1, which has a commit."""
    return worlds.lend(repo, _started).worktree(1)


def observed(repo: Sandbox) -> str:
    return repo.agent("show", "1").out + repo.agent("status").out


def test_a_worktree_that_was_deleted_is_named_and_not_made_again(repo: Sandbox, where: Path) -> None:
    shutil.rmtree(where)
    assert "was deleted by hand: git agent reassign 1" in observed(repo)
    assert "worktree gone" in repo.agent("status").out
    result = repo.agent("done", "1", exit=3)
    assert "hint: git agent" in result.err
    repo.agent("list")
    repo.agent("path", "1", exit=None)
    assert not where.exists()
    new = Path(repo.agent_json("reassign", "1")["task"]["worktree"])
    assert (new / "login.py").exists()


def test_a_worktree_that_git_removed_is_named(repo: Sandbox, where: Path) -> None:
    repo.git("worktree", "remove", "--force", "--force", str(where))
    assert "no longer belongs to this repository" in observed(repo)
    assert repo.agent("done", "1", exit=3).err.startswith("error: ")
    repo.agent("cancel", "1")
    repo.agent("rm", "1", "--unmerged")
    assert repo.git("branch", "--list", "agent/*") == ""
    assert repo.git("show", "refs/git-agent/rescue/1/1:login.py") == "fixed"


def test_a_worktree_that_was_moved_is_still_the_task_s(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    repo.git("worktree", "unlock", str(where))
    repo.git("worktree", "move", str(where), str(tmp_path / "moved"))
    assert f"task 1: its worktree was moved to {tmp_path / 'moved'}" in repo.agent("list").err
    shown = repo.agent_json("show", cwd=tmp_path / "moved")["task"]
    assert (shown["id"], shown["worktree"]) == (1, str(tmp_path / "moved"))
    assert json.loads((tmp_path / "moved/.worker-ctx.json").read_text())["worktree"] == str(tmp_path / "moved")
    assert repo.agent("path", "1").out == f"{tmp_path / 'moved'}\n"
    assert "task.worktree-moved" in repo.agent("log", "1").out
    assert repo.agent("list").err == ""


@pytest.mark.parametrize("how", ["deleted", "renamed"])
def test_a_branch_that_is_gone_is_named_and_not_made_again(repo: Sandbox, where: Path, how: str) -> None:
    if how == "deleted":
        repo.git("checkout", "--quiet", "--detach", cwd=where)
        repo.git("branch", "-D", "agent/1-fix-login")
    else:
        repo.git("branch", "-m", "agent/1-fix-login", "other")
    said = observed(repo)
    by = "deleted by hand" if how == "deleted" else "renamed to 'other' by hand"
    assert f"branch 'agent/1-fix-login' is gone ({by})" in said
    assert ("branch gone" if how == "deleted" else "branch renamed to other") in said
    for verb in ("done", "approve", "merge"):
        result = repo.agent(verb, "1", exit=3)
        assert "error: " in result.err and "hint: " in result.err
    assert repo.git("branch", "--list", "agent/*") == ""
    assert repo.tasks()[1]["state"] == "WORKING"


def test_a_branch_that_was_forced_elsewhere_loses_its_approval(repo: Sandbox, where: Path) -> None:
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.git("commit", "--quiet", "--amend", "--message", "Other", cwd=where)
    repo.commit(where, "more.py", "more\n")
    result = repo.agent("merge", "1", exit=3)
    assert "approval" in result.err
    assert repo.tasks()[1]["state"] == "IN_REVIEW"


def test_an_agent_that_switched_the_branch_is_shown_and_done_is_refused(repo: Sandbox, where: Path) -> None:
    repo.git("switch", "--quiet", "--create", "mine", cwd=where)
    assert "is on mine, not on 'agent/1-fix-login'" in observed(repo)
    repo.commit(where, "lost.py", "on the wrong branch\n")
    result = repo.agent("done", "1", exit=3)
    assert "mine" in result.err and "git -C" in result.err
    assert repo.tasks()[1]["state"] == "WORKING"


@pytest.mark.parametrize("how", [("--ff-only",), ("--no-ff", "--no-edit")])
def test_a_merge_by_hand_is_noticed(repo: Sandbox, where: Path, how: tuple[str, ...]) -> None:
    repo.git("merge", "--quiet", *how, "agent/1-fix-login")
    result = repo.agent("list")
    assert "was merged into 'main' by hand: COMPLETED" in result.err
    task = repo.tasks()[1]
    assert (task["state"], task["merged_by"]) == ("COMPLETED", "ff" if how == ("--ff-only",) else "merge")
    assert where.exists()
    repo.agent("clean")
    assert not where.exists()


def test_a_branch_without_commits_of_its_own_is_never_merged(repo: Sandbox) -> None:
    where = Path(repo.agent_json("spawn", "Fix login")["task"]["worktree"])
    repo.commit(None, "other.py", "other\n")
    repo.git("merge", "--quiet", "--ff-only", "main", cwd=where)
    repo.agent("list")
    assert repo.tasks()[1]["state"] == "ASSIGNED"
    repo.git("merge", "--quiet", "agent/1-fix-login")
    assert repo.tasks()[1]["state"] == "ASSIGNED"


def test_a_locked_worktree_of_somebody_else_is_respected(repo: Sandbox, where: Path) -> None:
    repo.agent("cancel", "1")
    repo.git("worktree", "unlock", str(where))
    repo.git("worktree", "lock", "--reason", "on a disk that travels", str(where))
    result = repo.agent("rm", "1", "--force", "--unmerged", exit=3)
    assert "on a disk that travels" in result.err and "git worktree unlock" in result.err
    assert where.exists()


def test_a_merge_leaves_a_locked_worktree_and_says_so(repo: Sandbox, where: Path) -> None:
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.git("worktree", "unlock", str(where))
    repo.git("worktree", "lock", "--reason", "mine", str(where))
    result = repo.agent("merge", "1")
    assert "locked by somebody else" in result.out + result.err
    assert repo.tasks()[1]["state"] == "COMPLETED" and where.exists()
