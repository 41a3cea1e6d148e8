"""Nothing of ours deletes what is mounted in a directory: a container's volume, sshfs, a bind mount."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.sandbox import Result, Sandbox

NAMESPACE = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--mount")


@pytest.fixture
def mounting(repo: Sandbox) -> Sandbox:
    """Task 1 is WORKING, with an ignored directory; beside the repository is a directory with photos."""
    try:
        subprocess.run([*NAMESPACE, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs unshare, and root or user namespaces, to mount something")
    repo.write(".git/info/exclude", "/build/\n")
    photos = repo.path.parent / "photos/deep"
    photos.mkdir(parents=True)
    (photos / "1.jpg").write_text("precious\n")
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    return repo


def mounted(repo: Sandbox, script: str, where: str = "build/mnt") -> Result:
    """Run a shell script in a mount namespace in which the photos are mounted in the worktree of task 1."""
    there = repo.worktree(1) / where
    mount = f"mkdir -p '{there}' && mount --bind '{repo.path.parent}/photos' '{there}'"
    result = repo.run(*NAMESPACE, "sh", "-c", f"{mount} || exit 99; {script}")
    assert result.code != 99, result
    assert (repo.path.parent / "photos/deep/1.jpg").read_text() == "precious\n", result
    return result


@pytest.mark.parametrize("words", ["rm 1", "rm 1 --force --unmerged --yes", "clean --yes"])
def test_a_mount_is_an_obstacle_that_no_flag_overrides(mounting: Sandbox, words: str) -> None:
    there = mounting.worktree(1)
    mounting.agent("cancel", "1")
    found = mounted(mounting, f"git agent {words}")
    assert "mounted inside: build/mnt" in found.out + found.err
    if words.startswith("rm"):
        assert found.code == 3 and "umount" in found.err
    mounting.agent("rm", "1", "--force", "--unmerged", "--yes")
    assert not there.exists()


def test_a_merge_lands_and_leaves_the_worktree(mounting: Sandbox) -> None:
    for verb in ("done", "approve"):
        mounting.agent(verb, "1")
    there = mounting.worktree(1)
    found = mounted(mounting, "git agent merge 1; git agent list; git agent doctor")
    assert "left: mounted inside: build/mnt" in found.out
    assert there.is_dir() and mounting.tasks()[1]["state"] == "COMPLETED"


def test_a_path_with_spaces_is_recognised(mounting: Sandbox) -> None:
    mounting.agent("cancel", "1")
    assert mounted(mounting, "git agent rm 1 --force --unmerged --yes", "build/a \\b").code == 3


def test_a_file_system_of_another_kind_is_recognised(mounting: Sandbox) -> None:
    mounting.agent("cancel", "1")
    there = mounting.worktree(1) / "build/tmp"
    script = f"mkdir '{there}'; mount -t tmpfs none '{there}'; git agent rm 1 --force --unmerged --yes"
    assert "build/tmp" in mounted(mounting, script).err


def test_the_roll_back_of_a_failing_setup_stops_before_it(mounting: Sandbox) -> None:
    photos = mounting.path.parent / "photos"
    mounting.git("config", "agent.setup", f"mkdir -p build/mnt && mount --bind '{photos}' build/mnt && false")
    found = mounted(mounting, "git agent spawn Other; git agent list; git agent spawn 2")
    assert "something is mounted at" in found.err and "umount" not in found.out
    assert "an interrupted spawn can't be recovered yet" in found.err
    assert (
        "rolled back an interrupted spawn of task 2" in mounting.agent("list").err
    )  # the mount went with the namespace


def test_what_was_renamed_aside_before_is_not_emptied(mounting: Sandbox) -> None:
    trash = mounting.path.parent / ".trash-1-aa"
    (trash / "mnt").mkdir(parents=True)
    marker = mounting.path / ".git/git-agent/trash/1-aa"
    marker.parent.mkdir(exist_ok=True)
    marker.write_text(str(trash))
    photos = mounting.path.parent / "photos"
    mounted(mounting, f"mount --bind '{photos}' '{trash}/mnt'; git agent list; git agent clean")
    mounting.agent("list")
    assert not trash.exists()


def test_a_check_that_mounts_something_loses_nothing(mounting: Sandbox) -> None:
    mounting.agent("spawn", "Other")
    mounting.commit(mounting.worktree(2), "other.txt", "other\n")
    for task in ("1", "2"):
        for verb in ("done", "approve"):
            mounting.agent(verb, task)
    photos = mounting.path.parent / "photos"
    check = f"mkdir -p build/mnt && mount --bind '{photos}' build/mnt && test ! -e other.txt"
    mounting.git("config", "agent.check", check)
    mounted(mounting, "git agent merge --all; git agent list")
    assert mounting.tasks()[1]["state"] == "COMPLETED"


def test_a_purge_does_not_cross_a_mount(mounting: Sandbox) -> None:
    photos, store = mounting.path.parent / "photos", mounting.path / ".git/git-agent"
    mounting.agent("cancel", "1")
    mounting.agent("rm", "1", "--force", "--unmerged", "--yes")
    there = f"{store}/left/mnt"
    script = f"mkdir -p '{there}'; mount --bind '{photos}' '{there}'; git agent deinit --purge --yes"
    found = mounting.run(*NAMESPACE, "sh", "-c", script)
    assert found.code == 1 and "something is mounted in it" in found.err and "Traceback" not in found.err
    assert (photos / "deep/1.jpg").exists()
