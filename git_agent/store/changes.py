"""Be woken when another process writes to the store: by inotify where there is one, by a timer everywhere.

What wakes is no proof of a change: SQLite writes to the log first and shows the change afterwards, so whoever waits
looks again at short intervals once something was written.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

_FIRST_S = 0.002  # after something was written, and at the start
_LONGEST_S = 2.0  # where the system tells of writes: what it does not tell, as on a network file system, is seen then
_LONGEST_ALONE_S = 0.15  # where it tells nothing; half of it is the median wait
# Where many write, who waits looks once for several writes: pauses that grow as long as it is woken all the time.
_GATHER_S = (0.002, 0.03)
_CALM_S = 0.1
_IN_MODIFY, _IN_CREATE, _IN_MOVED_TO = 0x2, 0x100, 0x80  # inotify(7)


class ChangeWatch:
    """Watches a directory for writes to its files; never opens one of them, for that would drop SQLite's locks."""

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
        """Yield how many seconds to wait at most before the next look: more and more, and few again after a write."""
        longest = _LONGEST_ALONE_S if self._fd is None else _LONGEST_S
        pause, woken_at = _FIRST_S, self._woken_at
        while True:
            yield pause
            pause = min(pause * 2, longest) if woken_at == self._woken_at else _FIRST_S
            woken_at = self._woken_at

    def wait(self, timeout_s: float) -> None:
        """Wait until something is written, or for timeout_s seconds."""
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
    """Make an inotify descriptor; None where the system has none, or none left."""
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
