"""An attempt without commits goes when the next one begins, unless it holds something or its worker may come back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.whole import wrong
from tests.faults.world import Worlds
from tests.sandbox import Sandbox


def _released(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.agent("release", "1")


@pytest.fixture
def released(repo: Sandbox, worlds: Worlds) -> Sandbox:
    """Task 1 is open again; its first attempt has no commits, and its worktree is clean."""
    return worlds.lend(repo, _released)


def standing(repo: Sandbox) -> list[str]:
    """Name the worktrees of task 1; their branches have the same names."""
    found = sorted(path.name for path in repo.path.with_name(f"{repo.path.name}.worktrees").iterdir())
    branches = repo.git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/agent/").splitlines()
    assert sorted(branches) == found
    return found


def test_it_goes_with_the_next_attempt_and_this_is_said(released: Sandbox) -> None:
    first = released.worktree(1)
    said = released.agent("claim").err
    assert f"note: an earlier attempt had no commits, so its worktree was removed: {first}\n" in said
    assert standing(released) == ["1-fix-login.a2"] and wrong(released) == []
    assert "task.attempts-removed 1" in released.agent("log", "1").out


def test_undo_does_not_bring_it_back_in_place_of_what_a_person_did(released: Sandbox) -> None:
    released.agent("claim")
    assert released.agent_json("undo", "--list")["operations"] == []


@pytest.mark.parametrize(
    "verbs",
    [
        [("fail", "1", "-m", "no"), ("retry", "1"), ("claim",)],
        [("cancel", "1"), ("reopen", "1"), ("spawn", "1")],
        [("release", "1"), ("run", "1", "--", "true")],
    ],
    ids=lambda verbs: verbs[0][0],
)
def test_however_the_attempt_before_ended(released: Sandbox, verbs: list[tuple[str, ...]]) -> None:
    released.agent("claim")
    for verb in verbs:
        released.agent(*verb, exit=None)
    assert standing(released) == ["1-fix-login.a3"]


def test_only_attempts_with_commits_stay(released: Sandbox) -> None:
    second = Path(released.agent("claim").out.strip())
    released.commit(second, "login", "half\n")
    for _ in range(3):
        released.agent("release", "1")
        released.agent("claim")
    assert standing(released) == ["1-fix-login.a2", "1-fix-login.a5"]
    assert (released.worktree(1).with_name("1-fix-login.a5") / "login").is_file()


def _untracked(repo: Sandbox, first: Path) -> None:
    repo.write("draft", "half\n", cwd=first)


def _staged(repo: Sandbox, first: Path) -> None:
    repo.write("README.md", "half\n", cwd=first)
    repo.git("add", "README.md", cwd=first)


def _stashed(repo: Sandbox, first: Path) -> None:
    repo.write("README.md", "half\n", cwd=first)
    repo.git("stash", cwd=first)


def _locked(repo: Sandbox, first: Path) -> None:
    repo.git("worktree", "unlock", first)
    repo.git("worktree", "lock", "--reason", "mine", first)


def _nested(repo: Sandbox, first: Path) -> None:
    repo.git("init", "--quiet", first / "other")
    repo.git("commit", "--quiet", "--allow-empty", "--message", "Begin", cwd=first / "other")


def _bisecting(repo: Sandbox, first: Path) -> None:
    repo.git("bisect", "start", cwd=first)


@pytest.mark.parametrize("hold", [_untracked, _staged, _stashed, _locked, _nested, _bisecting])
def test_one_that_rm_would_refuse_stays(released: Sandbox, hold: Callable[[Sandbox, Path], None]) -> None:
    hold(released, released.worktree(1))
    assert "was removed" not in released.agent("claim").err
    assert released.tasks()[1]["attempt"] == 2
    assert standing(released) == ["1-fix-login", "1-fix-login.a2"]


def test_one_in_which_a_process_works_stays(released: Sandbox) -> None:
    with subprocess.Popen(["sleep", "600"], cwd=released.worktree(1)) as inside:
        released.agent("claim")
        inside.kill()
    assert standing(released) == ["1-fix-login", "1-fix-login.a2"]
    released.agent("release", "1")
    released.agent("claim")
    assert standing(released) == ["1-fix-login.a3"]


def test_ignored_files_are_kept(released: Sandbox) -> None:
    released.write("own.log", "precious\n", cwd=released.worktree(1))
    released.agent("claim")
    assert standing(released) == ["1-fix-login.a2"]
    [kept] = released.agent_json("rescue")["ignored"]
    assert (Path(kept["directory"]) / "own.log").read_text() == "precious\n"


def test_commits_that_only_the_log_of_its_head_has_are_kept(released: Sandbox) -> None:
    first = released.worktree(1)
    oid = released.commit(first, "login", "half\n")
    released.git("reset", "--quiet", "--hard", "HEAD^", cwd=first)
    released.agent("claim")
    assert oid in [each["oid"] for each in released.agent_json("rescue")["rescues"]]


def test_a_reassigned_worker_finds_its_worktree_until_the_attempt_after_the_next(repo: Sandbox) -> None:
    first = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.agent("reassign", "1")
    assert "is not the current one" in repo.agent("done", cwd=first, exit=5).err
    repo.agent("reassign", "1")
    assert standing(repo) == ["1-fix-login.a2", "1-fix-login.a3"]


def test_an_adopted_branch_stays(repo: Sandbox) -> None:
    repo.git("branch", "theirs")
    repo.agent("spawn", "Fix login", "--branch", "theirs")
    repo.agent("release", "1")
    repo.agent("claim")
    assert standing(repo) == ["1-fix-login.a2"] and repo.git("branch", "--list", "theirs")
