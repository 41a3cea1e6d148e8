"""A file that holds exactly what is committed is unchanged, even where git would convert it at the next commit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def where(repo: Sandbox) -> Path:
    """Return the worktree of a task in which git lists a file as modified that nobody touched."""
    repo.commit(None, "dos.txt", "a\r\nb\r\n")
    repo.commit(None, ".gitattributes", "* text eol=lf\n")
    repo.agent("spawn", "Work")
    worktree = repo.worktree(1)
    (worktree / "dos.txt").touch()
    if "dos.txt" not in repo.git("status", "--short", cwd=worktree):
        pytest.skip("this git does not list it")
    return worktree


def test_it_stops_neither_done_nor_merge(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "work.txt", "work\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    assert not where.exists()


def test_nor_rm_and_nothing_is_kept_for_it(repo: Sandbox, where: Path) -> None:
    repo.agent("cancel", "1")
    assert "kept" not in repo.agent("rm", "1").out


def test_a_change_to_it_counts(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "work.txt", "work\n")
    (where / "dos.txt").write_bytes(b"a\r\nc\r\n")
    assert "dos.txt" in repo.agent("done", "1", exit=3).err
    repo.agent("cancel", "1")
    assert "dos.txt" in repo.agent("rm", "1", "--unmerged", exit=3).err


def test_so_does_a_change_of_its_mode_and_a_link_in_its_place(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "work.txt", "work\n")
    (where / "dos.txt").chmod(0o755)
    assert "dos.txt" in repo.agent("done", "1", exit=3).err
    (where / "dos.txt").unlink()
    (where / "dos.txt").symlink_to("work.txt")
    assert "dos.txt" in repo.agent("done", "1", exit=3).err


def test_and_what_was_staged(repo: Sandbox, where: Path) -> None:
    repo.commit(where, "work.txt", "work\n")
    repo.git("add", "dos.txt", cwd=where)
    assert "dos.txt" in repo.agent("done", "1", exit=3).err
