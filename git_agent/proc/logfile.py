"""What an agent printed, kept in a file of limited size: when it is full it becomes `.1`, and a new one begins."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from typing import BinaryIO

FILE_LIMIT = 8 << 20
"""Bytes of one file; with the one before, twice as much is kept of an attempt."""
OLDER_SUFFIX = ".1"
"""What the name of the file before ends with."""
TOTAL_LIMIT = 256 << 20
"""Bytes that all logs of a repository may take; the oldest go first."""


def attempt_log(directory: str, task: int, attempt: int) -> str:
    """Name the log of an attempt."""
    return os.path.join(directory, f"{task}.{attempt}.log")


def open_log(path: str) -> BinaryIO:
    """Open a log to read it. Raises OSError for what is no file: a link leads elsewhere, a FIFO would be waited for."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return open(fd, "rb")
    os.close(fd)
    raise OSError(errno.EINVAL, "it is no regular file")


def check_log(directory: str, task: int | None) -> str:
    """Name the log of the check of a task, and of those that it was merged on top of; None: of the base alone."""
    return os.path.join(directory, f"{'base' if task is None else task}.check.log")


def is_written(path: str) -> bool:
    """Tell whether a process writes to a log, as its lock shows."""
    try:
        with open_log(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


class Logfile:
    """A log that is written to, and locked as long. A disk that is full costs the log, never the agent: `failed` then
    says why.
    """

    def __init__(self, path: str, cap: int = FILE_LIMIT, *, anew: bool = False) -> None:
        """Open a log; anew: what was in it before goes."""
        self._path, self._cap = path, cap
        self._fd, self._size = -1, 0
        self.failed: OSError | None = None
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            for old in (path, path + OLDER_SUFFIX) if anew else ():
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(old)
            self._open()
        except OSError as error:
            self.failed = error

    @property
    def size(self) -> int:
        """Tell how many bytes the file has; it may be of a command that ran before."""
        return self._size

    def write(self, data: bytes) -> None:
        """Append what was printed."""
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
        with contextlib.suppress(OSError):  # somebody looks just now whether it is locked, or it can't be
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _rotate(self) -> None:
        os.replace(self._path, self._path + OLDER_SUFFIX)
        full, self._fd = self._fd, -1
        try:
            self._open()
        finally:
            os.close(full)  # one of the two is locked at any time


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
