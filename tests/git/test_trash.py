"""Big directories are deleted behind one's back, one process at a time, and whatever is killed is done again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from git_agent.git import sweeper
from git_agent.git.locks import private_dir, try_hold
from git_agent.git.repo import Repo
from git_agent.git.worktrees import trash
from git_agent.git.worktrees.trash import delete_trash
from tests.faults.whole import wrong
from tests.sandbox import Sandbox


def opened(repo: Sandbox) -> Repo:
    return Repo.open(str(repo.path))


def filled(where: Path, number: int) -> Path:
    for at in range(number):
        folder = where / str(at // 500)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{at}").touch()
    return where


def gone(place: Path, marker: Path) -> bool:
    """Wait for what runs in the background."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if not list(place.glob(".trash-*")) and os.listdir(marker) == []:
            return True
        time.sleep(0.02)
    return False


def test_a_big_worktree_is_out_of_the_way_at_once_and_deleted_behind_our_back(repo: Sandbox) -> None:
    where = Path(repo.agent("spawn", "Fix login").out.strip())
    filled(where / "build", 3000)  # ignored, as what is big mostly is
    repo.agent("cancel", "1")
    repo.agent("rm", "1")
    assert not where.exists()
    assert gone(where.parent, repo.store.parent / "trash") and wrong(repo) == []
    repo.agent("undo")
    assert wrong(repo) == []


def test_a_small_one_is_deleted_at_once_whatever_its_modes(repo: Sandbox, tmp_path: Path) -> None:
    there = filled(tmp_path / "there", 20)
    (there / "0").chmod(0o555)
    found = opened(repo)
    with trash.moved_aside(found, str(there)) as away:
        assert trash.undeleted(found, str(there.parent)) == {}  # it is being examined
        delete_trash(found)
        assert Path(away).exists()  # nothing is deleted before all is decided
    delete_trash(found)
    assert list(tmp_path.glob(".trash-*")) == [] and os.listdir(private_dir(found, "trash")) == []


def test_what_raises_meanwhile_brings_the_directory_back(repo: Sandbox, tmp_path: Path) -> None:
    there = filled(tmp_path / "there", 2)
    try:
        with trash.moved_aside(opened(repo), str(there)):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert sorted(p.name for p in there.rglob("*")) == ["0", "0", "1"] and gone(
        tmp_path, Path(repo.store.parent, "trash")
    )


def test_a_sweeper_that_was_killed_is_followed_by_another(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("init")
    found, root = opened(repo), private_dir(opened(repo), "trash")
    with trash.moved_aside(found, str(filled(tmp_path / "there", 3000))):
        pass
    lock = os.path.join(private_dir(found), "trash.lock")
    command = [sys.executable, "-I", "-S", sweeper.__file__, root, lock]
    with subprocess.Popen(command) as killed:
        killed.kill()
    repo.agent("list")
    assert gone(tmp_path, Path(root))


def test_one_deletes_at_a_time_and_sees_what_comes_meanwhile(repo: Sandbox, tmp_path: Path) -> None:
    found, root = opened(repo), private_dir(opened(repo), "trash")
    lock = os.path.join(private_dir(found), "trash.lock")
    held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    assert try_hold(held) and sweeper.is_held(lock)
    with trash.moved_aside(found, str(filled(tmp_path / "there", 5))):
        pass
    sweeper.delete_all_marked(root, lock)
    assert len(list(tmp_path.glob(".trash-*"))) == 1
    os.close(held)
    command = [sys.executable, "-I", "-S", "-X", "importtime", sweeper.__file__, root, lock]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert gone(tmp_path, Path(root)) and "git_agent" not in said and "subprocess" not in said


def test_only_what_we_renamed_is_deleted(repo: Sandbox, tmp_path: Path) -> None:
    root = Path(private_dir(opened(repo), "trash"))
    mine = filled(tmp_path / "mine", 2)
    (root / "1-a").write_text(str(mine))
    (root / "1-b").write_text(".trash-relative")
    (tmp_path / ".trash-link").symlink_to(mine)
    (root / "1-c").write_text(str(tmp_path / ".trash-link"))
    sweeper.delete_marked(str(root))
    assert sorted(p.name for p in mine.rglob("*")) == ["0", "0", "1"]
