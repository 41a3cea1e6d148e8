"""Files that are replaced whole: killed writers, full disks, links, modes and owners."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from git_agent import files
from git_agent.files import ensure_file, find_program, read_or_empty, replace_file, temporary_root

ROOT = Path(files.__file__).parent.parent
# The last thing before the rename is os.replace itself: die there, with all bytes written.
KILLED = """
import os, signal, sys
from git_agent import files
os.replace = lambda *names: os.kill(os.getpid(), signal.SIGKILL)
files.replace_file(sys.argv[1], b"new", temporary=sys.argv[2] or None)
"""
DISK_FULL = """
import resource, sys
from git_agent import files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    files.replace_file(sys.argv[1], b"x" * 5000, temporary=sys.argv[2] or None)
except OSError as error:
    print(error.strerror)
"""


def run(program: str, *args: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", program, *args], env=environment, capture_output=True, text=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("temporary", ["", "file.new"])
def test_a_process_killed_before_the_rename_leaves_the_old_file_whole(tmp_path: Path, temporary: str) -> None:
    path, fixed = tmp_path / "file", str(tmp_path / temporary) if temporary else ""
    path.write_bytes(b"old")
    assert run(KILLED, str(path), fixed).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    replace_file(str(path), b"newer", temporary=fixed or None)
    assert path.read_bytes() == b"newer"
    left = set(os.listdir(tmp_path)) - {"file"}
    assert len(left) == (0 if temporary else 1)  # under a fixed name the next writer takes what was left


@pytest.mark.parametrize("temporary", ["", "file.new"])
def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, temporary: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    assert run(DISK_FULL, str(path), str(tmp_path / temporary) if temporary else "").stdout == "File too large\n"
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["file"]


def test_a_failed_rename_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(str(tmp_path / "directory"), b"new")
    assert os.listdir(tmp_path) == ["directory"]


def test_a_symbolic_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_bytes(b"theirs")
    path.symlink_to(victim)
    replace_file(str(path), b"new")
    assert (victim.read_bytes(), path.is_symlink(), path.read_bytes()) == (b"theirs", False, b"new")
    assert mode(path) & 0o111 == 0  # a link's own mode is 0777


def test_a_symbolic_link_under_the_temporary_name_is_refused(tmp_path: Path) -> None:
    victim, path, new = tmp_path / "victim", tmp_path / "file", tmp_path / "file.new"
    victim.write_bytes(b"theirs")
    new.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        replace_file(str(path), b"new", temporary=str(new))
    assert victim.read_bytes() == b"theirs" and not path.exists()


def test_another_name_of_the_file_keeps_its_bytes(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"old")
    other.hardlink_to(path)
    replace_file(str(path), b"new", sync=True)
    assert (other.read_bytes(), path.read_bytes()) == (b"old", b"new")


def test_the_mode_is_the_one_that_is_asked_for_else_the_old_one_else_the_umasks(tmp_path: Path) -> None:
    path, new = tmp_path / "file", tmp_path / "new"
    replace_file(str(path), b"1", 0o755)
    assert mode(path) == 0o755
    replace_file(str(path), b"2")
    assert mode(path) == 0o755
    before = os.umask(0o027)
    try:
        replace_file(str(new), b"3")
    finally:
        os.umask(before)
    assert mode(new) == 0o640


def test_the_time_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    replace_file(str(tmp_path / "file"), b"1", mtime=0)
    assert (tmp_path / "file").stat().st_mtime == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 1234, 1235)
    replace_file(str(path), b"new", 0o600)
    assert (path.stat().st_uid, path.stat().st_gid, mode(path)) == (1234, 1235, 0o600)


def test_a_file_that_is_as_asked_for_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert ensure_file(str(path), b"1", 0o600)
    inode = path.stat().st_ino
    assert not ensure_file(str(path), b"1", 0o600) and path.stat().st_ino == inode
    assert ensure_file(str(path), b"2", 0o600) and ensure_file(str(path), b"2", 0o644)
    link = tmp_path / "link"
    link.symlink_to(path)
    assert ensure_file(str(link), b"2", 0o644) and not link.is_symlink()


def test_a_missing_file_reads_as_empty(tmp_path: Path) -> None:
    assert read_or_empty(str(tmp_path / "file")) == b""
    with pytest.raises(IsADirectoryError):
        read_or_empty(str(tmp_path))


@pytest.mark.parametrize("path", ["first:second", "second:first", "missing:second", ":second", "second:", "missing"])
def test_a_program_is_found_where_shutil_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    for directory, mode in (("first", 0o644), ("second", 0o755)):
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "tool").touch(mode)
        (tmp_path / directory / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", path)
    for name in ("tool", "folder", "other"):
        assert find_program(name) == shutil.which(name)


def test_temporary_files_are_never_made_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    assert temporary_root() in ("/tmp", "/var/tmp", "/usr/tmp")
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "mine"))
    assert temporary_root() == str(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == [tmp_path / "mine"]
