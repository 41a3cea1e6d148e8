"""An approval is for what the reviewer saw: a bare `approve` covers no commit that came after `diff` or `show`."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def reviewed(repo: Sandbox) -> Sandbox:
    """Task 1 is handed in."""
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "login.txt", "good\n", "Add login")
    repo.agent("done", "1")
    return repo


def moves(repo: Sandbox) -> str:
    repo.commit(repo.worktree(1), "login.txt", "evil\n", "Add a back door")
    return repo.git("rev-parse", "agent/1-fix-login")


LOOKS = [("diff", "1"), ("diff", "1", "--json"), ("show", "1"), ("show", "agent/1-fix-login", "--json")]


@pytest.mark.parametrize("words", LOOKS)
def test_what_came_after_the_person_looked_is_not_approved(reviewed: Sandbox, words: tuple[str, ...]) -> None:
    reviewed.agent(*words)
    tip = moves(reviewed)
    refused = reviewed.agent("approve", "1", exit=3).err
    assert "has moved from" in refused and f"new: {tip[:12]} Add a back door" in refused
    assert f"git agent approve 1 --at {tip[:12]}" in refused
    assert (reviewed.tasks()[1]["state"], reviewed.tasks()[1]["reviewed_oid"]) == ("IN_REVIEW", None)
    reviewed.agent("approve", "1", "--at", tip[:12])
    assert reviewed.tasks()[1]["reviewed_oid"] == tip


def test_looking_again_is_enough(reviewed: Sandbox) -> None:
    reviewed.agent("diff", "1")
    tip = moves(reviewed)
    reviewed.agent("diff", "1")
    reviewed.agent("approve", "1")
    assert reviewed.tasks()[1]["reviewed_oid"] == tip


@pytest.mark.parametrize("words", [(), ("diff", "1", "--stat"), ("list",), ("log", "1"), ("status",)])
def test_whoever_never_looked_approves_the_tip(reviewed: Sandbox, words: tuple[str, ...]) -> None:
    if words:
        reviewed.agent(*words)
    tip = moves(reviewed)
    assert tip[:12] in reviewed.agent("approve", "1").out


def test_what_merges_to_the_same_files_was_seen(reviewed: Sandbox) -> None:
    reviewed.agent("diff", "1")
    where = reviewed.worktree(1)
    reviewed.git("commit", "--quiet", "--amend", "--message", "Add the login", cwd=where)
    reviewed.commit(None, "other.txt", "other\n")
    reviewed.git("rebase", "--quiet", "main", cwd=where)
    reviewed.agent("approve", "1")
    assert reviewed.tasks()[1]["state"] == "APPROVED"


def test_the_same_lines_elsewhere_were_not_seen(repo: Sandbox) -> None:
    block = "{\n    a\n    b\n}\n"
    repo.commit(None, "both.txt", block * 2)
    repo.agent("spawn", "Fix login")
    where = repo.worktree(1)
    repo.commit(where, "both.txt", block.replace("b", "b\n    c") + block)
    repo.agent("done", "1")
    repo.agent("diff", "1")
    (where / "both.txt").write_text(block + block.replace("b", "b\n    c"))
    repo.git("commit", "--quiet", "--all", "--amend", "--no-edit", cwd=where)
    repo.agent("approve", "1", exit=3)


def test_what_a_worker_looks_at_is_not_the_person_s_look(reviewed: Sandbox) -> None:
    reviewed.agent("diff", "1", cwd=reviewed.worktree(1))
    reviewed.agent("show", "1", env={"GIT_AGENT_TASK": "1"})
    moves(reviewed)
    reviewed.agent("approve", "1")


def test_the_commands_that_are_named_approve_what_is_shown_and_nothing_later(reviewed: Sandbox) -> None:
    tip = reviewed.git("rev-parse", "agent/1-fix-login")[:12]
    named = f"git agent approve 1 --at {tip}"
    assert named in reviewed.agent("status").out and named in reviewed.agent("show", "1").out
    assert named in reviewed.agent("done", "1").out
    moves(reviewed)
    reviewed.agent("approve", "1", "--at", tip, exit=3)


def rewrite(repo: Sandbox) -> None:
    """Make the base a commit without history, as after `git filter-repo` or an amend of its only commit."""
    tree = repo.git("rev-parse", "HEAD^{tree}")
    repo.git("reset", "--quiet", "--hard", repo.git("commit-tree", "-m", "New", tree))


def test_a_branch_without_common_history_that_moved_is_refused(reviewed: Sandbox) -> None:
    rewrite(reviewed)
    reviewed.agent("diff", "1")
    tip = moves(reviewed)
    assert "has moved from" in reviewed.agent("approve", "1", exit=3).err
    reviewed.agent("approve", "1", "--at", tip)
    assert reviewed.tasks()[1]["state"] == "APPROVED"


def test_what_changed_since_the_review_is_shown_without_common_history(reviewed: Sandbox) -> None:
    reviewed.agent("approve", "1")
    rewrite(reviewed)
    moves(reviewed)
    assert "+evil" in reviewed.agent("diff", "1", "--since-review").out


@pytest.mark.parametrize("how", ["amend", "squash"])
def test_what_lands_the_same_was_seen_although_the_base_lost_the_fork_point(repo: Sandbox, how: str) -> None:
    repo.commit(repo.path, "login.txt", "one\n", "Begin")
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "login.txt", "good\n", "Add login")
    repo.agent("done", "1")
    repo.git("rm", "--quiet", "login.txt")
    repo.write("other.txt", "other\n")
    repo.git("add", "other.txt")
    repo.git("commit", "--quiet", "--amend", "-m", "Other")
    repo.write("login.txt", "one\n")
    repo.git("add", "login.txt")
    repo.git("commit", "--quiet", *(["--amend"] if how == "amend" else []), "-m", "Again")
    repo.agent("diff", "1")
    repo.git("commit", "--quiet", "--amend", "-m", "Say it better", cwd=repo.worktree(1))
    repo.agent("approve", "1")
    assert repo.tasks()[1]["state"] == "APPROVED"
