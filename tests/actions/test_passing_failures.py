"""A git that fails for a moment, such as on a full disk, decides nothing: the next command asks again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

FULL = 'echo "error: unable to write file: No space left on device" >&2; exit 128'
FAILURES = {"the disk is full": FULL, "git is killed": "kill -9 $$"}


@pytest.fixture(params=FAILURES)
def failing(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str | None]:
    """Return an environment in which git compares and merges nothing."""
    real = shutil.which("git")
    shim = tmp_path / "bin/git"
    shim.parent.mkdir()
    compares = '*" merge-tree "* | *" diff-tree "* | *" cherry "*'
    shim.write_text(f'#!/bin/sh\ncase " $* " in {compares}) {FAILURES[request.param]} ;; esac\nexec {real} "$@"\n')
    shim.chmod(0o755)
    return {"PATH": f"{shim.parent}:{os.environ['PATH']}"}


def _approved(repo: Sandbox) -> Path:
    repo.agent("spawn", "Work")
    where = repo.worktree(1)
    repo.commit(where, "work.txt", "work\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.commit(None, "more.txt", "more\n")
    return where


def _state(repo: Sandbox) -> str:
    return str(repo.tasks()[1]["state"])


def test_an_approval_is_carried_by_the_next_command(repo: Sandbox, failing: dict[str, str | None]) -> None:
    where = _approved(repo)
    repo.git("rebase", "--quiet", "main", cwd=where)
    said = repo.agent("sync", env=failing, exit=None)
    assert "Traceback" not in said.err and "IN_REVIEW" not in said.out + said.err
    assert _state(repo) == "APPROVED"


def test_a_commit_on_top_ends_the_approval_afterwards(repo: Sandbox, failing: dict[str, str | None]) -> None:
    where = _approved(repo)
    repo.commit(where, "unseen.txt", "unseen\n")
    repo.agent("sync", env=failing, exit=None)
    assert _state(repo) == "IN_REVIEW"


def test_a_squash_by_hand_is_noticed_by_the_next_command(repo: Sandbox, failing: dict[str, str | None]) -> None:
    _approved(repo)
    repo.git("merge", "--quiet", "--squash", "agent/1-work")
    repo.git("commit", "--quiet", "--message", "Squashed")
    repo.agent("sync", env=failing, exit=None)
    assert _state(repo) == "COMPLETED"


def test_what_only_reads_works_meanwhile(repo: Sandbox, failing: dict[str, str | None]) -> None:
    where = _approved(repo)
    repo.git("rebase", "--quiet", "main", cwd=where)
    said = repo.agent("list", env=failing, exit=None)
    assert "Traceback" not in said.err
    assert said.code == 1 or "APPROVED" in said.out
