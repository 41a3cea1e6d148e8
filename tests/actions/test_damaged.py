"""A branch that git can't read, as after a power cut, concerns its own task only; doctor names it and the way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

VERBS = (
    *("list", "list --all", "status", "show 1", "log", "conflicts", "ready", "doctor", "merge 1", "merge --all"),
    *("spawn Four", "add Five", "claim", "sync", "stats", "rescue list"),
)


@pytest.fixture
def three(repo: Sandbox) -> Sandbox:
    """Return a repository with two approved tasks, and task 3 with two commits, the second one not yet seen."""
    repo.agent("init")
    for number, title in ((1, "One"), (2, "Two"), (3, "Three")):
        repo.agent("spawn", title)
        repo.commit(repo.worktree(number), f"{number}.txt", "one\n")
        if number < 3:
            repo.agent("done", cwd=repo.worktree(number))
            repo.agent("approve", str(number))
    repo.agent("list")
    repo.commit(repo.worktree(3), "deep/er/3.txt", "two\n")
    return repo


def file_of(repo: Sandbox, rev: str) -> Path:
    """Return the file of a loose object."""
    oid = repo.git("rev-parse", rev)
    return repo.path / ".git/objects" / oid[:2] / oid[2:]


def emptied(file: Path) -> None:
    file.chmod(0o600)
    file.write_bytes(b"")


def garbled(file: Path) -> None:
    file.chmod(0o600)
    file.write_bytes(b"x" * 100)


BRANCH = "agent/3-three"
DAMAGE: dict[str, Callable[[Sandbox], None]] = {
    "the last commit is missing": lambda r: file_of(r, BRANCH).unlink(),
    "the last commit is empty": lambda r: emptied(file_of(r, BRANCH)),
    "the last commit is garbled": lambda r: garbled(file_of(r, BRANCH)),
    "the commit before is missing": lambda r: file_of(r, f"{BRANCH}~1").unlink(),
    "the tree is missing": lambda r: file_of(r, f"{BRANCH}^{{tree}}").unlink(),
    "a directory is empty": lambda r: emptied(file_of(r, f"{BRANCH}:deep/er")),
    "the branch's file is empty": lambda r: emptied(r.path / ".git/refs/heads" / BRANCH),
}


def find(repo: Sandbox) -> list[dict[str, object]]:
    found: list[dict[str, object]] = repo.agent_json("doctor", exit=None)["findings"]
    return found


@pytest.mark.rest
@pytest.mark.parametrize("how", DAMAGE)
@pytest.mark.parametrize("seen", [False, True], ids=["new", "seen before"])
def test_a_damaged_branch_stops_no_other_task(three: Sandbox, how: str, seen: bool) -> None:
    if seen:
        three.agent("list")
    good = three.git("rev-parse", "main" if how == "the commit before is missing" else f"{BRANCH}~1")
    good = three.git("rev-parse", BRANCH) if how == "the branch's file is empty" else good
    DAMAGE[how](three)
    three.commit(None, "moves.txt", "the base moves\n")
    for verb in VERBS:
        said = three.agent(*verb.split(), exit=None)
        assert said.code == (1 if verb == "doctor" else 0), said
        assert "Traceback" not in said.err
    tasks = three.tasks()
    assert (tasks[1]["state"], tasks[2]["state"], tasks[3]["state"]) == ("COMPLETED", "COMPLETED", "WORKING")
    (found,) = [each for each in find(three) if each["task"] == 3]
    assert found["code"] == "branch-damaged"
    assert "git fsck" in str(found["fix"]) and good in str(found["fix"]) and good in str(found["what"])
    if "last" in how or "file" in how:  # `status` alone reads no further
        assert "git agent show 3" in three.agent("status").out
        assert f"update-ref refs/heads/{BRANCH} {good}" in three.agent("show", "3").out


@pytest.mark.parametrize("how", DAMAGE)
def test_what_doctor_says_about_a_damaged_branch_repairs_it(three: Sandbox, how: str) -> None:
    DAMAGE[how](three)
    three.agent("list")
    (found,) = [each for each in find(three) if each["task"] == 3]
    three.run("sh", "-c", str(found["fix"]))
    three.agent("list")
    assert [each for each in find(three) if each["task"] == 3] == []
    assert three.git("status", "--porcelain", cwd=three.worktree(3)) != "" or "file is empty" in how
    three.git("add", "--all", cwd=three.worktree(3))
    three.git("commit", "--quiet", "--allow-empty", "--message", "again", cwd=three.worktree(3))
    three.agent("done", cwd=three.worktree(3))
    assert "deep/er/3.txt" in three.git("ls-tree", "-r", "--name-only", BRANCH).splitlines()
    assert [each for each in find(three) if each["task"] == 3] == []


@pytest.mark.parametrize("how", DAMAGE)
def test_a_task_with_a_damaged_branch_can_be_cancelled_and_removed(three: Sandbox, how: str) -> None:
    DAMAGE[how](three)
    three.write("unsaved.txt", "unsaved\n", cwd=three.worktree(3))
    three.agent("cancel", "3")
    refused = three.agent("rm", "3", exit=3)
    assert "git agent rm 3 --force" in refused.err
    three.agent("rm", "3", "--force", "--unmerged")
    kept = three.git("for-each-ref", "--format=%(refname)", "refs/git-agent/rescue/3/").split()
    files = [name for ref in kept for name in three.git("ls-tree", "-r", "--name-only", ref).splitlines()]
    assert {"unsaved.txt", "deep/er/3.txt"} <= set(files)
    three.agent("list")
    assert find(three) == []


@pytest.mark.rest
@pytest.mark.parametrize("break_it", [Path.unlink, emptied], ids=["missing", "empty"])
@pytest.mark.parametrize("where", ["refs/heads/side", "refs/remotes/origin/side", "refs/tags/side"])
def test_a_damaged_ref_of_no_task_stops_nothing_and_is_named(
    three: Sandbox, where: str, break_it: Callable[[Path], None]
) -> None:
    oid = three.git("commit-tree", "-p", "main", "-m", "side", "main^{tree}")
    three.git("update-ref", where, oid)
    break_it(file_of(three, oid))
    three.commit(None, "moves.txt", "the base moves\n")
    for verb in ("merge 1", "undo", *VERBS):
        said = three.agent(*verb.split(), exit=None)
        assert said.code == (1 if verb == "doctor" else 0), said
    (found,) = find(three)
    assert found["code"] == "ref-damaged" and where in str(found["fix"])
    three.run("sh", "-c", str(found["fix"]))
    assert find(three) == []


@pytest.mark.parametrize("break_it", [Path.unlink, emptied], ids=["missing", "empty"])
def test_a_damaged_base_stops_only_the_tasks_on_it(repo: Sandbox, break_it: Callable[[Path], None]) -> None:
    repo.agent("init")
    repo.git("branch", "release")
    repo.agent("spawn", "One", "--base", "release")
    repo.agent("spawn", "Two")
    repo.agent("list")
    repo.git("update-ref", "refs/heads/release", repo.git("commit-tree", "-p", "main", "-m", "x", "main^{tree}"))
    break_it(file_of(repo, "release"))
    repo.commit(repo.worktree(1), "1.txt", "one\n")
    repo.commit(repo.worktree(2), "2.txt", "two\n")
    for verb in ("list", "status", "show 1", "done 2", "approve 2", "merge 2", "spawn Three", "conflicts"):
        repo.agent(*verb.split())
    assert "refs/heads/release" in str(find(repo))
