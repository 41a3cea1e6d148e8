"""`doctor` names `git commit-graph write` where the history is long and git could use a commit-graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox

COMMAND = "git commit-graph write --reachable"
_COMMIT = "commit refs/heads/long\nmark :{n}\ncommitter A <a@example.org> {at} +0000\ndata 1\nx\n"


def _long(repo: Sandbox) -> None:
    """Give the repository a history of 20,000 commits."""
    repo.agent("init")
    commits = (
        _COMMIT.format(n=n, at=1_600_000_000 + n) + (f"from :{n - 1}\n" if n > 1 else "") for n in range(1, 20_001)
    )
    assert repo.run("git", "fast-import", "--quiet", stdin="".join(commits)).code == 0


@pytest.fixture
def long(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _long)


def noted(repo: Sandbox) -> bool:
    said = repo.agent_json("doctor")
    assert said["findings"] == []
    return any(COMMAND in note for note in said["notes"])


def test_it_is_named_until_it_was_typed(long: Sandbox) -> None:
    assert noted(long)
    assert long.run("sh", "-c", COMMAND).code == 0
    assert not noted(long)


def _split(repo: Sandbox) -> None:
    repo.git("commit-graph", "write", "--reachable", "--split")


def _turned_off(repo: Sandbox) -> None:
    repo.git("config", "core.commitGraph", "no")


def _borrowing(repo: Sandbox) -> None:
    other = repo.path.parent / "other.git"
    repo.git("init", "--quiet", "--bare", other)
    repo.write(".git/objects/info/alternates", f"{other / 'objects'}\n")


def _shortened(repo: Sandbox) -> None:
    repo.git("branch", "--delete", "--force", "long")


@pytest.mark.parametrize("how", [_split, _turned_off, _borrowing, _shortened])
def test_it_is_not_named_where_it_would_not_help(long: Sandbox, how: object) -> None:
    assert callable(how)
    how(long)
    assert not noted(long)


def test_a_short_history_needs_none_and_costs_no_process(repo: Sandbox) -> None:
    repo.agent("init")
    said = repo.agent("doctor", env={"GIT_AGENT_TRACE": "1"})
    assert COMMAND not in said.out and "core.commitGraph" not in said.err and Path(repo.store).exists()
