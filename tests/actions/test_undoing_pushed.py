"""A merge that was pushed is not undone, also where no remote-tracking branch shows the push."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox

SPECS = ["main", "main:prod", "HEAD:refs/for/main", "main~0:refs/heads/x", "main:refs/tags/v1"]


@pytest.fixture
def hooked(repo: Sandbox) -> Sandbox:
    """Install the hooks; none starts a background process, so that the command itself must find out."""
    repo.agent("init", env={"GIT_AGENT_HOOKS": None})
    return repo


@pytest.fixture
def merged(hooked: Sandbox) -> Sandbox:
    repo = hooked
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.agent("merge", "1")
    return repo


@pytest.fixture
def away(repo: Sandbox, tmp_path: Path) -> str:
    repo.git("init", "--quiet", "--bare", "--initial-branch=main", str(tmp_path / "away.git"))
    return str(tmp_path / "away.git")


def push(repo: Sandbox, *words: str) -> int:
    code: int = repo.run("git", "push", "--quiet", *words).code
    return code


def stays(repo: Sandbox, *says: str) -> None:
    """The merge is not undone, and the command that is named undoes it by a new commit."""
    before = repo.git("rev-parse", "main")
    found = repo.agent("undo", exit=3).err
    assert all(text in found for text in says), found
    assert "git revert" in found
    assert repo.git("rev-parse", "main") == before
    assert repo.tasks()[1]["state"] == "COMPLETED"


def goes(repo: Sandbox) -> None:
    repo.agent("undo")
    assert repo.tasks()[1]["state"] == "APPROVED"


@pytest.mark.parametrize("spec", SPECS)
def test_a_push_to_a_url_keeps_the_merge(merged: Sandbox, away: str, spec: str) -> None:
    spec = spec.replace("main~0", merged.git("rev-parse", "main"))
    assert push(merged, away, spec) == 0
    if "refs/for" in spec:  # a review server keeps it under another name
        change = merged.git("rev-parse", "main")
        merged.git("update-ref", "refs/changes/01/1/1", change, cwd=Path(away))
        merged.git("update-ref", "-d", "refs/for/main", cwd=Path(away))
    stays(merged, f"it was pushed: {away} ")


def test_a_push_of_what_was_built_on_the_merge_keeps_it(merged: Sandbox, away: str) -> None:
    merge = merged.git("rev-parse", "main")
    merged.commit(None, "more.txt", "more\n")
    assert push(merged, away, "main") == 0
    merged.git("reset", "--quiet", "--hard", merge)
    stays(merged, "it was pushed")


def test_a_remote_that_fetches_another_branch_shows_no_push(merged: Sandbox, away: str) -> None:
    merged.git("remote", "add", "-t", "other", "origin", away)
    assert push(merged, "origin", "main") == 0
    assert merged.git("for-each-ref", "refs/remotes") == ""
    stays(merged, "it was pushed: origin refs/heads/main")


def test_what_the_background_process_noted_is_known_without_the_remote(
    merged: Sandbox, away: str, tmp_path: Path
) -> None:
    assert push(merged, away, "main") == 0
    merged.agent("sync")
    Path(away).rename(tmp_path / "gone.git")
    stays(merged, "it was pushed")
    assert "it was pushed" in merged.agent("undo", "--list").out


def test_a_push_that_nobody_can_tell_of_counts(merged: Sandbox, away: str, tmp_path: Path) -> None:
    assert push(merged, away, "main") == 0
    Path(away).rename(tmp_path / "gone.git")
    for _ in range(5):
        stays(merged, "it may have been pushed")


@pytest.mark.rest
def test_a_push_that_was_refused_does_not_count(merged: Sandbox, away: str) -> None:
    base = merged.git("rev-parse", "main~1")
    other = merged.git("commit-tree", "-p", base, "-m", "Other", f"{base}^{{tree}}")
    assert push(merged, away, f"{other}:refs/heads/main") == 0
    assert push(merged, away, "main") != 0
    goes(merged)


def test_a_dry_run_of_a_push_does_not_count(merged: Sandbox, away: str) -> None:
    assert push(merged, "--dry-run", away, "main") == 0
    goes(merged)


def test_a_push_that_was_taken_back_does_not_count(merged: Sandbox, away: str) -> None:
    base = merged.git("rev-parse", "main~1")
    assert push(merged, away, "main") == 0
    stays(merged, "it was pushed")
    assert push(merged, "--force", away, f"{base}:refs/heads/main") == 0
    goes(merged)


def test_a_push_before_the_merge_does_not_count(hooked: Sandbox, away: str) -> None:
    repo = hooked
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    assert push(repo, away, "main") == 0
    repo.agent("merge", "1")
    goes(repo)


def test_the_password_of_a_url_is_not_shown(merged: Sandbox, away: str) -> None:
    merged.git("config", f"url.{away}.insteadOf", "https://ada:secret@example.invalid/x.git")
    assert push(merged, "https://ada:secret@example.invalid/x.git", "main") == 0
    found = merged.agent("undo", exit=3).err
    assert "it was pushed" in found and "secret" not in found
