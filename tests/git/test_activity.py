"""git/activity: signs of work in a worktree, found cheaply and never by accident."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from git_agent.git.worktrees.activity import latest_activity
from tests.sandbox import Sandbox

LONG_AGO = 1_600_000_000  # seconds


def settle(*roots: Path) -> None:
    """Let all that is there look as if it was made long ago."""
    for root in roots:
        for path in (root, *root.rglob("*")):
            os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """Return a worktree and its git directory, both settled."""
    tree, admin = tmp_path / "tree", tmp_path / "admin"
    (tree / "src" / "deep").mkdir(parents=True)
    (tree / "src" / "deep" / "file").write_text("text")
    (admin / "logs").mkdir(parents=True)
    for name in ("index", "HEAD", "logs/HEAD"):
        (admin / name).write_text("text")
    (tree / ".git").write_text("gitdir: elsewhere")
    settle(tree, admin)
    return tree, admin


def found(place: tuple[Path, Path], since_s: float = LONG_AGO, **options: int) -> int | None:
    return latest_activity(str(place[0]), str(place[1]), int(since_s * 1000), **options).at


def touch(path: Path, seconds_later: float) -> int:
    at = LONG_AGO + seconds_later
    path.touch()
    os.utime(path, (at, at))
    return int(at * 1000)


def test_where_nothing_changed_there_is_no_sign(place: tuple[Path, Path]) -> None:
    assert found(place) is None
    assert found(place, LONG_AGO - 1) == LONG_AGO * 1000


@pytest.mark.parametrize("name", ["index", "HEAD", "logs/HEAD"])
def test_gits_own_files_are_signs(place: tuple[Path, Path], name: str) -> None:
    at = touch(place[1] / name, 30)
    assert found(place) == at
    assert found(place, LONG_AGO + 30) is None


@pytest.mark.parametrize("name", ["src/deep/file", "new", "src/new"])
def test_files_are_signs_and_the_newest_counts(place: tuple[Path, Path], name: str) -> None:
    touch(place[0] / "older", 10)
    settle(place[0] / "src")
    at = touch(place[0] / name, 60)
    assert found(place, LONG_AGO + 5) == (at if name != "src/new" else found(place, LONG_AGO + 30))
    assert found(place, time.time()) is None


def test_a_deleted_file_shows_in_its_directory(place: tuple[Path, Path]) -> None:
    (place[0] / "src" / "deep" / "file").unlink()
    assert found(place) is not None


def test_what_the_tool_itself_writes_is_no_sign(place: tuple[Path, Path]) -> None:
    touch(place[0] / ".worker-ctx.json", 60)
    touch(place[0] / ".git", 60)
    (place[0] / "src" / ".git").mkdir()
    touch(place[0] / "src" / ".git" / "index", 60)
    settle(place[0] / "src" / "deep")
    os.utime(place[0] / "src", (LONG_AGO, LONG_AGO))
    assert found(place) is None


def test_a_time_in_the_future_is_no_sign(place: tuple[Path, Path]) -> None:
    ahead = time.time() + 3600
    os.utime(place[0] / "src" / "deep" / "file", (ahead, ahead))
    os.utime(place[1] / "index", (ahead, ahead))
    assert found(place) is None


def test_no_more_than_the_budget_is_looked_at_nearest_to_the_root_first(place: tuple[Path, Path]) -> None:
    deep = touch(place[0] / "src" / "deep" / "file", 60)
    os.utime(place[0] / "src" / "deep", (LONG_AGO, LONG_AGO))
    assert found(place, budget=2) is None  # src, src/deep
    assert found(place, budget=3) == deep


def test_symbolic_links_are_not_followed(place: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (place[0] / "link").symlink_to(tmp_path / "other")
    (place[0] / "src" / "up").symlink_to("..")
    (tmp_path / "other" / "new").touch()
    settle(place[0])
    assert found(place) is None


def test_a_worktree_that_is_gone_shows_nothing(tmp_path: Path) -> None:
    assert latest_activity(str(tmp_path / "no"), str(tmp_path / "none"), 0).at is None


def test_what_vanishes_meanwhile_is_passed_over(place: tuple[Path, Path]) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            for number in range(20):
                folder = place[0] / f"d{number}"
                folder.mkdir(exist_ok=True)
                (folder / "f").touch()
            for number in range(20):
                (place[0] / f"d{number}" / "f").unlink()
                (place[0] / f"d{number}").rmdir()

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(300):
            found(place)
    finally:
        stop.set()
        thread.join()


def test_a_commit_and_an_edit_in_a_real_worktree_are_seen(repo: Sandbox) -> None:
    tree = Path(repo.agent("spawn", "Fix it").out.splitlines()[-1])
    admin = Path(repo.git("rev-parse", "--absolute-git-dir", cwd=tree))
    before = time.time()
    assert latest_activity(str(tree), str(admin), int(before * 1000)).at is None
    time.sleep(0.02)
    repo.git("status", cwd=tree)
    repo.write("src/app.py", "changed\n", cwd=tree)
    edited = latest_activity(str(tree), str(admin), int(before * 1000)).at
    assert edited is not None and edited >= before * 1000
    time.sleep(0.02)
    repo.git("commit", "--quiet", "--all", "--message", "Change", cwd=tree)
    committed = latest_activity(str(tree), str(admin), edited).at
    assert committed is not None and committed > edited
