"""Where the context file is found, and where the search ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from git_agent import context
from git_agent.context import WorkerContext


@pytest.fixture
def worker(tmp_path: Path) -> WorkerContext:
    return context.create(
        task_id=7, branch="agent/7-fix", worktree=tmp_path, base="main", description="Fix 漢\x1b\u202e"
    )


def test_the_file_is_found_from_below(worker: WorkerContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = context.write(worker)
    deep = tmp_path / "a" / "b"
    (deep / ".git").mkdir(parents=True)  # a submodule does not stop the search
    monkeypatch.chdir(deep)
    assert context.find() == context.find(deep) == context.find(deep / "file") == path
    assert context.find(deep / "not" / "yet" / "there") == path
    assert context.get() == worker
    assert context.task_id() == 7
    assert context.is_in_worktree()


def test_the_nearest_file_wins(worker: WorkerContext, tmp_path: Path) -> None:
    context.write(worker)
    inner = tmp_path / "inner"
    inner.mkdir()
    context.write(replace(worker, task_id=8, worktree=str(inner)))
    assert context.task_id(inner) == 8
    assert context.task_id(tmp_path) == 7


def test_a_link_into_a_worktree_leads_there(worker: WorkerContext, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    context.write(worker, tree)
    (tmp_path / "link").symlink_to(tree)
    assert context.find(tmp_path / "link") == tree / context.FILE


def test_outside_of_a_worktree_the_way_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert context.find() is None
    assert not context.is_in_worktree()
    for ask in (context.get, context.task_id, lambda: context.read(tmp_path), lambda: context.read("gone")):
        with pytest.raises(context.NoContext) as caught:
            ask()
        assert caught.value.code == "no-context"
        assert "git agent spawn" in caught.value.hint


def test_a_working_directory_that_is_gone_is_no_worktree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert context.find() is None
    monkeypatch.chdir(tmp_path)


def test_the_search_stops_where_another_file_system_begins(worker: WorkerContext, tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == shared.parent.stat().st_dev:
        pytest.skip("no second file system at hand")
    assert list(context._upwards(shared)) == [shared]
