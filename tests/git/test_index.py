"""may_track: what the bytes of an index rule out needs no git, and all else is left to git."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from git_agent.git.worktrees.index import may_track
from tests.sandbox import Sandbox

NAME = ".worker-ctx.json"


@pytest.fixture
def files(repo: Sandbox) -> Sandbox:
    for name in ("a.txt", "link.c", "sub/sdir.txt", "z.txt"):
        repo.commit(None, name, "text\n")
    return repo


def _may_track(repo: Sandbox, name: str = NAME) -> bool:
    return may_track(str(repo.path / ".git"), [name, "other"])


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_file_that_is_not_tracked_is_ruled_out(files: Sandbox, version: str) -> None:
    (files.path / NAME).write_text("{}")
    files.git("update-index", "--index-version", version)
    assert not _may_track(files)


def test_without_an_index_nothing_is_tracked(files: Sandbox) -> None:
    (files.path / ".git/index").unlink()
    assert not _may_track(files)


@pytest.mark.parametrize("add", [("--force",), ("--force", "--intent-to-add")], ids=" ".join)
def test_a_tracked_file_is_not_ruled_out(files: Sandbox, add: tuple[str, ...]) -> None:
    (files.path / NAME).write_text("{}")
    files.git("add", *add, NAME)
    assert _may_track(files)


COMPRESSED: dict[str, Callable[[Sandbox], object]] = {
    "format 4": lambda repo: repo.git("update-index", "--index-version", "4"),
    "a split index": lambda repo: repo.git("update-index", "--split-index"),
    "a sparse index": lambda repo: repo.git("sparse-checkout", "set", "--cone", "--sparse-index", "elsewhere"),
}


@pytest.mark.parametrize("how", COMPRESSED)
def test_an_index_that_does_not_contain_all_paths_whole_rules_nothing_out(files: Sandbox, how: str) -> None:
    COMPRESSED[how](files)
    assert _may_track(files)


def test_an_index_that_is_none_rules_nothing_out(files: Sandbox, tmp_path: Path) -> None:
    (files.path / ".git/index").write_bytes(b"nonsense")
    assert _may_track(files)
