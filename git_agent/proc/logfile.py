"""Log files of limited size for the output of agents: a full file is renamed to `.1`, and a new one begins."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Container
from typing import BinaryIO

FILE_LIMIT = 8 << 20
"""Largest size of one file in bytes. With the file before it, an attempt keeps up to twice as much."""
OLDER_SUFFIX = ".1"
"""Suffix of the file before the current one."""
TOTAL_LIMIT = 256 << 20
"""Largest size of all logs of a repository in bytes; beyond it the oldest are deleted."""


def attempt_log(directory: str, task: int, attempt: int) -> str:
    """Return the path of an attempt's log."""
    return os.path.join(directory, f"{task}.{attempt}.log")


def open_log(path: str) -> BinaryIO:
    """Open a log for reading. Raises OSError unless it is a regular file: a link leads elsewhere, a FIFO blocks."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return open(fd, "rb")
    os.close(fd)
    raise OSError(errno.EINVAL, "it is not a regular file")


def check_log(directory: str, task: int | None) -> str:
    """Return the path of the log of a task's check, which includes the tasks below it; None: of the base alone."""
    return os.path.join(directory, f"{'base' if task is None else task}.check.log")


def is_written(path: str) -> bool:
    """Return whether a process is writing to a log, which its lock shows."""
    try:
        with open_log(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Logfile:
    """A log that is open for writing, and locked until it is closed.

    A full disk loses output but never stops the agent; `failed` then holds the error.
    """

    def __init__(self, path: str, cap: int = FILE_LIMIT, *, truncate: bool = False) -> None:
        """Open a log.

        cap: largest size in bytes; truncate: delete the old content first
        """
        self._path, self._cap = path, cap
        self._fd, self._size = -1, 0
        self.failed: OSError | None = None
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            for old in (path, path + OLDER_SUFFIX) if truncate else ():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(old)
            self._open()
        except OSError as error:
            self.failed = error

    @property
    def size(self) -> int:
        """Return the size of the file in bytes; an earlier command may have written part of it."""
        return self._size

    def write(self, data: bytes) -> None:
        """Append output."""
        try:
            if self._fd < 0:
                self._open()
            if self._size and self._size + len(data) > self._cap:
                self._rotate()
            self._size += os.write(self._fd, data)
        except OSError as error:
            self.failed = error

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        self._fd = os.open(self._path, flags, 0o600)
        self._size = os.fstat(self._fd).st_size
        with contextlib.suppress(OSError):  # somebody is checking the lock right now, or locks are not supported
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _rotate(self) -> None:
        os.replace(self._path, self._path + OLDER_SUFFIX)
        full, self._fd = self._fd, -1
        try:
            self._open()
        finally:
            os.close(full)  # at any time one of the two files is locked


def logs_of(directory: str, tasks: Container[int]) -> dict[str, int]:
    """Map the logs of tasks that nobody writes to, with those of their checks, to their sizes in bytes."""
    found = dict[str, int]()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            number = entry.name.partition(".")[0]
            current = entry.path.removesuffix(OLDER_SUFFIX)
            if number.isdecimal() and int(number) in tasks and current.endswith(".log") and not is_written(current):
                with contextlib.suppress(FileNotFoundError):
                    found[entry.path] = entry.stat(follow_symlinks=False).st_size
    return found


def prune_logs(directory: str, limit: int = TOTAL_LIMIT) -> None:
    """Delete the oldest logs of a directory until all of them take no more than limit bytes."""
    found = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                seen = entry.stat(follow_symlinks=False)
                found.append((seen.st_mtime, seen.st_size, entry.path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            return
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        total -= size
