"""Wake up when another process writes to the store: by inotify where available, by a timer everywhere.

A wake-up does not prove a change. SQLite writes to the log first and makes the change visible afterwards, so the
waiting process checks again at short intervals after a write.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

_FIRST_S = 0.002  # at the start and after a write
_LONGEST_S = 2.0  # with inotify; it misses some writes, for example on a network file system
_LONGEST_ALONE_S = 0.15  # without inotify; the median wait is half of it
# Under many writers, one check serves several writes: the pause grows while the wake-ups keep coming.
_GATHER_S = (0.002, 0.03)
_CALM_S = 0.1
_IN_MODIFY, _IN_CREATE, _IN_MOVED_TO = 0x2, 0x100, 0x80  # inotify(7)


class ChangeWatch:
    """Watches a directory for writes to its files.

    It never opens one of the files: closing it again would drop SQLite's locks.
    """

    def __init__(self, directory: str) -> None:
        self._fd = _watch(directory)
        self._woken_at = 0.0
        self._gather_s = _GATHER_S[0]

    def close(self) -> None:
        """Stop watching."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def waits(self) -> Iterator[float]:
        """Yield the maximum wait before the next check, in seconds. It doubles each time and restarts after a write."""
        longest = _LONGEST_ALONE_S if self._fd is None else _LONGEST_S
        pause, woken_at = _FIRST_S, self._woken_at
        while True:
            yield pause
            pause = min(pause * 2, longest) if woken_at == self._woken_at else _FIRST_S
            woken_at = self._woken_at

    def wait(self, timeout_s: float) -> None:
        """Wait until something is written, at most timeout_s seconds."""
        if self._fd is None:
            time.sleep(timeout_s)
            return
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            return
        least, most = _GATHER_S
        calm = time.monotonic() - self._woken_at > _CALM_S
        self._gather_s = least if calm else min(self._gather_s * 2, most)
        time.sleep(min(self._gather_s, timeout_s))
        with suppress(BlockingIOError):
            while os.read(self._fd, 65536):
                pass
        self._woken_at = time.monotonic()


def _watch(directory: str) -> int | None:
    """Return an inotify descriptor, or None where the system has no inotify or its limit is reached."""
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        library = ctypes.CDLL(None)
        fd: int = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            return None
        if library.inotify_add_watch(fd, os.fsencode(directory), _IN_MODIFY | _IN_CREATE | _IN_MOVED_TO) < 0:
            os.close(fd)
            return None
    except (OSError, AttributeError):
        return None
    return fd
