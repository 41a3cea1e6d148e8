"""With a relative core.hooksPath, hooks are files of a branch: a person's command runs those of the main worktree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox

# All that git may run while it checks out, rebases, merges, resets and writes an index.
NAMES = (
    *("post-checkout", "post-commit", "post-index-change", "post-merge", "post-rewrite", "pre-commit", "pre-rebase"),
    *("pre-merge-commit", "prepare-commit-msg", "commit-msg", "reference-transaction"),
)


def _hooks(repo: Sandbox, who: str, cwd: Path | None = None) -> None:
    """Write every hook, as a program that notes who wrote it."""
    for name in NAMES:
        text = f'#!/bin/sh\necho "{who} {name}" >>"{repo.path.parent}/ran"\n'
        repo.write(f".husky/{name}", text, cwd=cwd).chmod(0o755)


def _with_hooks_of_a_worker(repo: Sandbox) -> None:
    """Hand in a task that changes the hooks, and the file that the base changes, too."""
    repo.git("config", "core.hooksPath", ".husky")
    _hooks(repo, "person")
    repo.git("add", ".husky")
    repo.git("commit", "--quiet", "--message", "Add hooks")
    repo.agent("spawn", "Work")
    _hooks(repo, "worker", repo.worktree(1))
    repo.git("add", ".husky", cwd=repo.worktree(1))
    repo.git("commit", "--quiet", "--no-verify", "--message", "Work", cwd=repo.worktree(1))
    (repo.path.parent / "ran").unlink()


@pytest.fixture
def handed(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _with_hooks_of_a_worker)


def _ran(repo: Sandbox) -> set[str]:
    """Return which hooks ran, each as the name of its writer and its own; forget them."""
    path = repo.path.parent / "ran"
    lines = set(path.read_text().splitlines()) if path.exists() else set()
    path.unlink(missing_ok=True)
    assert {line for line in lines if line.startswith("worker")} == set()
    return lines


def test_a_new_attempt_runs_the_persons_hooks(handed: Sandbox) -> None:
    handed.agent("reassign", "1")
    assert "person post-checkout" in _ran(handed)


def test_a_removal_and_its_undo_run_the_persons_hooks(handed: Sandbox) -> None:
    handed.write("draft.txt", "draft\n", cwd=handed.worktree(1))
    handed.git("add", "draft.txt", cwd=handed.worktree(1))
    _forget(handed)
    handed.agent("cancel", "1")
    handed.agent("rm", "1", "--force", "--unmerged")
    handed.agent("undo")
    assert "person post-checkout" in _ran(handed)
    assert (handed.worktree(1) / "draft.txt").exists()


def test_a_rebase_before_handing_in_runs_the_persons_hooks(handed: Sandbox) -> None:
    handed.commit(None, "base.txt", "base\n")
    _forget(handed)
    handed.agent("done", "--rebase", "1")
    assert "person pre-rebase" in _ran(handed)


@pytest.mark.parametrize(("strategy", "ran"), [("merge", "pre-merge-commit"), ("squash", "pre-commit"), ("ff", "")])
def test_a_merge_into_a_base_that_a_worker_has_checked_out_runs_the_persons_hooks(
    handed: Sandbox, strategy: str, ran: str
) -> None:
    where = handed.worktree(1)
    handed.git("branch", "release", "main")
    handed.agent("spawn", "Fix", "--base", "release")
    handed.commit(handed.worktree(2), "fix.txt", "fix\n")
    handed.agent("done", "2")
    handed.agent("approve", "2")
    handed.git("switch", "--quiet", "release", cwd=where)
    _hooks(handed, "worker", where)
    _forget(handed)
    handed.agent("merge", "2", "--strategy", strategy)
    assert {"person post-merge", *([f"person {ran}"] if ran else [])} <= _ran(handed)
    assert (where / "fix.txt").exists()


def test_a_hook_that_only_the_branch_has_does_not_run(repo: Sandbox) -> None:
    repo.git("config", "core.hooksPath", ".husky")
    repo.agent("spawn", "Work")
    _hooks(repo, "worker", repo.worktree(1))
    repo.git("add", ".husky", cwd=repo.worktree(1))
    repo.git("commit", "--quiet", "--no-verify", "--message", "Work", cwd=repo.worktree(1))
    repo.commit(None, "base.txt", "base\n")
    _forget(repo)
    repo.agent("done", "--rebase", "1")
    repo.agent("reassign", "1")
    assert _ran(repo) == set()


def test_where_a_branch_has_no_hooks_directory_none_run_as_in_git(repo: Sandbox) -> None:
    repo.git("config", "core.hooksPath", ".husky")
    repo.write(".git/info/exclude", ".husky\n")
    _hooks(repo, "person")
    repo.agent("spawn", "Work")
    assert "person post-checkout" not in _ran(repo)


def test_a_workers_own_commit_runs_the_hooks_of_its_branch(handed: Sandbox) -> None:
    handed.commit(handed.worktree(1), "more.txt", "more\n")
    assert "worker pre-commit" in (handed.path.parent / "ran").read_text()


def _forget(repo: Sandbox) -> None:
    (repo.path.parent / "ran").unlink(missing_ok=True)
