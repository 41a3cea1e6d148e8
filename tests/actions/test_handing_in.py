"""What was handed in or approved is kept, and an empty branch is neither approved nor merged in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox

HANDED = "refs/git-agent/handed-in/1"
BRANCH = "agent/1-work"


def held(repo: Sandbox, oid: str) -> bool:
    return bool(repo.git("for-each-ref", f"--contains={oid}"))


@pytest.fixture
def handed(repo: Sandbox) -> Sandbox:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.agent("done", "1")
    return repo


def empty(repo: Sandbox) -> str:
    """Set the branch back to its base; return what was handed in."""
    tip = repo.git("rev-parse", BRANCH)
    repo.git("reset", "--quiet", "--hard", "main", cwd=repo.worktree(1))
    return tip


def test_an_emptied_branch_is_not_approved(handed: Sandbox) -> None:
    tip = empty(handed)
    said = handed.agent("approve", "1", exit=3).err
    assert f"no longer has the commits that were handed in ({tip[:12]})" in said and f"merge {tip[:12]}" in said
    handed.git("gc", "--quiet", "--prune=now")
    assert held(handed, tip)


@pytest.mark.parametrize("words", [["1"], ["1", "--strategy", "squash"], ["1", "--strategy", "rebase"], ["--all"]])
def test_nor_merged(handed: Sandbox, words: list[str]) -> None:
    handed.agent("approve", "1")
    tip, base = empty(handed), handed.git("rev-parse", "main")
    handed.agent("merge", *words, exit=None)
    assert handed.git("rev-parse", "main") == base
    assert handed.tasks()[1]["state"] == "IN_REVIEW"
    assert held(handed, tip)


def test_nor_when_the_base_moved_under_it(handed: Sandbox) -> None:
    handed.commit(handed.path, "more.txt", "more\n")
    empty(handed)
    assert "no longer has" in handed.agent("approve", "1", exit=3).err


def test_it_is_reported_and_needs_a_person(handed: Sandbox) -> None:
    tip = empty(handed)
    assert "no longer has the commits that were handed in" in handed.agent("list").err
    assert "handed-in commits gone" in handed.agent("status").out
    assert f"merge {tip[:12]} brings them back" in handed.agent("show", "1").out
    assert "handed-in-gone" in handed.agent("log", "1").out
    found = handed.agent_json("doctor", exit=None)["findings"]
    assert [each["code"] for each in found if each["task"] == 1] == ["handed-in-gone"]


def test_the_command_that_is_named_brings_it_back(handed: Sandbox) -> None:
    tip = empty(handed)
    handed.agent("list")
    handed.git("merge", "--quiet", tip[:12], cwd=handed.worktree(1))
    assert "no longer: handed-in commits gone" in handed.agent("log", "1").out
    handed.agent("approve", "1")
    handed.agent("merge", "1")
    assert handed.tasks()[1]["state"] == "COMPLETED"


def test_what_was_handed_in_without_commits_on_purpose_is_approved(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    repo.agent("done", "1", "--allow-empty")
    repo.agent("approve", "1")
    repo.agent("merge", "1")
    assert repo.tasks()[1]["state"] == "COMPLETED"


def test_what_a_push_handed_in_is_kept(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.git("init", "--quiet", "--bare", str(tmp_path / "remote"))
    repo.git("push", "--quiet", str(tmp_path / "remote"), BRANCH, cwd=repo.worktree(1))
    repo.git("remote", "add", "origin", str(tmp_path / "remote"))
    repo.git("push", "--quiet", "origin", BRANCH, cwd=repo.worktree(1))
    assert repo.tasks()[1]["state"] == "IN_REVIEW"
    assert repo.git("rev-parse", HANDED) == repo.git("rev-parse", BRANCH)


def test_what_was_handed_in_before_stays_kept(handed: Sandbox) -> None:
    first = handed.git("rev-parse", BRANCH)
    handed.agent("request-changes", "1", "-m", "Say more")
    handed.git("commit", "--quiet", "--amend", "-m", "Say more", cwd=handed.worktree(1))
    handed.agent("done", "1")
    assert handed.git("rev-parse", HANDED) == handed.git("rev-parse", BRANCH) != first
    assert held(handed, first)


def test_the_ref_goes_with_the_task_and_comes_back_with_an_undo(handed: Sandbox) -> None:
    tip = handed.git("rev-parse", BRANCH)
    handed.agent("approve", "1")
    handed.agent("merge", "1")
    assert handed.git("for-each-ref", "refs/git-agent/handed-in", "refs/git-agent/fork") == ""
    handed.agent("undo", "--yes")
    assert handed.git("rev-parse", HANDED) == tip


def test_what_only_the_ref_keeps_is_kept_when_the_task_is_removed(handed: Sandbox) -> None:
    tip = empty(handed)
    handed.agent("cancel", "1")
    handed.agent("rm", "1")
    assert handed.git("for-each-ref", "refs/git-agent/handed-in") == ""
    handed.git("reflog", "expire", "--expire=now", "--all")
    handed.git("gc", "--quiet", "--prune=now")
    assert held(handed, tip)


def first_of_two(repo: Sandbox) -> str:
    """Attempt 1 commits, attempt 2 begins there, and a person removes what attempt 1 left; return that commit."""
    repo.agent("spawn", "Work")
    there = repo.worktree(1)
    tip = repo.commit(there, "work.txt", "work\n")
    repo.agent("reassign", "1")
    for words in (["unlock"], ["remove", "--force"]):
        repo.git("worktree", *words, str(there))
    repo.git("branch", "--quiet", "-D", BRANCH)
    return tip


def commit_lives(repo: Sandbox, oid: str) -> bool:
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    return repo.run("git", "cat-file", "-e", oid).code == 0


@pytest.mark.parametrize("verb", [["rm", "1"], ["clean"], ["rm", "1", "--unmerged", "--force", "--yes"]])
def test_the_last_ref_to_a_commit_does_not_go_with_an_attempt_that_began_there(repo: Sandbox, verb: list[str]) -> None:
    tip = first_of_two(repo)
    repo.agent("cancel", "1")
    repo.agent(*verb, exit=None)
    assert commit_lives(repo, tip)
    repo.agent("undo", "--yes", exit=None)
    assert repo.git("rev-parse", f"{BRANCH}.a2", check=False) == tip


def test_nor_with_one_whose_base_was_deleted(repo: Sandbox) -> None:
    repo.git("switch", "--quiet", "--create", "feat")
    tip = repo.commit(repo.path, "feat.txt", "feat\n")
    repo.git("switch", "--quiet", "main")
    repo.agent("spawn", "Work", "--base", "feat")
    repo.git("branch", "--quiet", "-D", "feat")
    repo.agent("cancel", "1")
    repo.agent("clean", exit=None)
    assert commit_lives(repo, tip)


def test_nor_with_one_whose_setup_fails(repo: Sandbox) -> None:
    repo.git("switch", "--quiet", "--create", "feat")
    tip = repo.commit(repo.path, "feat.txt", "feat\n")
    repo.git("switch", "--quiet", "main")
    repo.git("config", "agent.setup", "git branch -D feat && false")
    repo.agent("spawn", "Work", "--base", "feat", exit=None)
    assert commit_lives(repo, tip)


def test_an_attempt_without_anything_left_does_not_keep_the_others_from_being_restored(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    there = repo.worktree(1)
    repo.agent("reassign", "1")
    for words in (["unlock"], ["remove", "--force"]):
        repo.git("worktree", *words, str(there))
    repo.git("branch", "--quiet", "-D", BRANCH)
    again = repo.worktree(1)
    repo.commit(again, "work.txt", "work\n")
    repo.write("new.txt", "new\n", cwd=again)
    repo.agent("cancel", "1")
    repo.agent("rm", "1", "--force", "--unmerged", "--yes")
    repo.agent("undo", "--yes")
    assert (again / "work.txt").exists() and (again / "new.txt").exists()
