"""Copies of directories, and directories that are made like a copy again: most of what prepared repositories cost."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path


def copied(source: str | Path, target: str | Path, objects: bool = False) -> Path:
    """Copy a directory, with modes and times; return where it is.

    It takes half as long as shutil.copytree, and less in a repository: what is in a directory `objects` and read-only
    is shared by hard links, as `git clone` does it. objects: source is within such a directory.
    """
    found = os.stat(source)
    os.mkdir(target)
    with os.scandir(source) as entries:
        for entry in entries:
            _copy(entry, os.path.join(target, entry.name), objects)
    _like(target, found)
    return Path(target)


def put_back(source: str | Path, target: str | Path, objects: bool = False) -> None:
    """Make a directory like the one that it was copied from, or that was copied from it; leave what did not change."""
    kept = os.stat(source)
    if not os.path.isdir(target) or os.path.islink(target):
        with suppress(FileNotFoundError):
            os.remove(target)
        copied(source, target, objects)
        return
    os.chmod(target, kept.st_mode & 0o7777)
    with os.scandir(source) as entries:
        wanted = {entry.name: entry for entry in entries}
    with os.scandir(target) as entries:
        there = {entry.name: entry for entry in entries}
    for name, entry in [*there.items()]:
        if name not in wanted or not _same(wanted[name], entry):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.remove(entry.path)
            del there[name]
    for name, entry in wanted.items():
        where = os.path.join(target, name)
        if name not in there:
            _copy(entry, where, objects)
        elif entry.is_dir(follow_symlinks=False):
            put_back(entry.path, where, objects or name == "objects")
    _like(target, kept)


def _same(kept: os.DirEntry[str], there: os.DirEntry[str]) -> bool:
    """Tell whether a file is as it was; of directories, whether both are some.

    A write changes at least the time. A database never counts as it was: its shared memory is written through mmap,
    and a connection that somebody forgot to close must not meet the new one, which SQLite finds by its inode.
    """
    before, now = kept.stat(follow_symlinks=False), there.stat(follow_symlinks=False)
    if stat.S_IFMT(before.st_mode) != stat.S_IFMT(now.st_mode):
        return False
    if there.name.endswith((".db", ".db-wal", ".db-shm")):
        return False
    if stat.S_ISLNK(now.st_mode):
        return os.readlink(kept.path) == os.readlink(there.path)
    fields = ("st_size", "st_mtime_ns", "st_mode", "st_uid", "st_gid")
    return stat.S_ISDIR(now.st_mode) or all(getattr(before, name) == getattr(now, name) for name in fields)


def _copy(entry: os.DirEntry[str], where: str, objects: bool) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), where)
    elif entry.is_dir():
        copied(entry.path, where, objects or entry.name == "objects")
    else:
        found = entry.stat()
        if objects and not found.st_mode & 0o222:
            with suppress(OSError):  # such as another file system
                os.link(entry.path, where)
                return
        shutil.copyfile(entry.path, where)
        _like(where, found)


def _like(path: str | Path, found: os.stat_result) -> None:
    os.chmod(path, found.st_mode & 0o7777)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
