"""Wake up when another process writes to the store: by inotify where available, by a timer everywhere.

A wake-up does not prove a change. SQLite writes to the log first and makes the change visible afterwards, so the
waiting process checks again at short intervals after a write.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

_FIRST_S = 0.002  # at the start and after a write
_LONGEST_S = 2.0  # with inotify; it misses some writes, for example on a network file system
_LONGEST_ALONE_S = 0.5  # without inotify; the median wait is half of it
# Under many writers, one check serves several writes: the pause grows while the wake-ups keep coming.
_GATHER_S = (0.002, 0.03)
_CALM_S = 0.1
# inotify(7): a file was modified, closed after writing, created, moved here or deleted.
_EVENTS = 0x2 | 0x8 | 0x100 | 0x80 | 0x200


class ChangeWatch:
    """Watches directories for writes to their files.

    It never opens one of the files: closing it again would drop SQLite's locks.
    """

    def __init__(self, directory: str) -> None:
        self._library: ctypes.CDLL | None = None
        self._fd: int | None = None
        if opened := _open_inotify():
            self._library, self._fd = opened
        self._woken_at = 0.0
        self._gather_s = _GATHER_S[0]
        self._pause_s = _FIRST_S
        if not self._add(directory):
            self.close()

    def close(self) -> None:
        """Stop watching."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def add(self, directories: Iterable[str]) -> None:
        """Watch further directories. One that can't be watched is left to the timer; one that was made again is watched
        again, and one that is watched already costs nothing more.
        """
        for each in directories:
            self._add(each)

    def wait(self, most_s: float) -> None:
        """Wait until something is written or it is time to check again, at most most_s seconds.

        The time between two checks doubles until something is written. It continues across calls: somebody who waits
        half a second at a time would otherwise wake up 17 times a second.
        """
        pause = min(self._pause_s, most_s)
        if self._is_written(pause):
            self._pause_s = _FIRST_S
        elif pause == self._pause_s:
            self._pause_s = min(pause * 2, _LONGEST_ALONE_S if self._fd is None else _LONGEST_S)

    def _is_written(self, timeout_s: float) -> bool:
        """Wait for a write, and a moment for the writes that follow it. Returns False after the timeout."""
        if self._fd is None:
            time.sleep(timeout_s)
            return False
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            return False
        least, most = _GATHER_S
        calm = time.monotonic() - self._woken_at > _CALM_S
        self._gather_s = least if calm else min(self._gather_s * 2, most)
        time.sleep(min(self._gather_s, timeout_s))
        with suppress(BlockingIOError):
            while os.read(self._fd, 65536):
                pass
        self._woken_at = time.monotonic()
        return True

    def _add(self, directory: str) -> bool:
        if self._library is None or self._fd is None:
            return False
        return bool(self._library.inotify_add_watch(self._fd, os.fsencode(directory), _EVENTS) >= 0)


def _open_inotify() -> tuple[ctypes.CDLL, int] | None:
    """Return the C library and an inotify descriptor; None where there is no inotify or its limit is reached."""
    if sys.platform != "linux":
        return None
    import ctypes

    try:
        library = ctypes.CDLL(None)
        fd: int = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, AttributeError):
        return None
    return (library, fd) if fd >= 0 else None
