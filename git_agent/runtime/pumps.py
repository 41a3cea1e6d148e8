"""Copy bytes between an agent and a terminal or pipe without blocking on either."""

from __future__ import annotations

import os
from collections.abc import Callable

_READ = 16384
_WRITE = 4096  # PIPE_BUF: a pipe that select reports as writable accepts so much without blocking
_PENDING = 65536
_TAIL = 8192


class Pump:
    """One direction of a copy.

    source: the descriptor to read from
    sink: the descriptor to write to, None to discard
    heard: called with all that is read
    passes: returns the part to write

    A sink that accepts no more stops the reading, as in a pipe. After a sink is gone, the reading continues, because
    the log must be complete.
    """

    def __init__(self, source: int, sink: int | None) -> None:
        self.source, self.sink = source, sink
        self.open = True
        self.heard: Callable[[bytes], None] | None = None
        self.passes: Callable[[bytes], bytes] | None = None
        self._pending = bytearray()

    @property
    def reads(self) -> bool:
        """Return whether it is ready to read."""
        return self.open and len(self._pending) < _PENDING

    @property
    def writes(self) -> bool:
        """Return whether it has bytes to write."""
        return self.sink is not None and bool(self._pending)

    def read(self) -> None:
        """Read what is available. At the end of the source, close the pump; for a terminal, Linux reports EIO there."""
        try:
            data = os.read(self.source, _READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.open = False
            return
        if self.heard is not None:
            self.heard(data)
        if self.sink is not None:
            self._pending += data if self.passes is None else self.passes(data)

    def write(self) -> None:
        """Write some of the pending bytes."""
        assert self.sink is not None
        try:
            done = os.write(self.sink, self._pending[:_WRITE])
        except BlockingIOError:
            return
        except OSError:
            self.sink, done = None, len(self._pending)
        del self._pending[:done]


class Tail:
    """The last 8 KB of the output."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, data: bytes) -> None:
        """Append output."""
        self._bytes = (self._bytes + data)[-_TAIL:]

    @property
    def text(self) -> str:
        """Return it as text, including any terminal control sequences."""
        return self._bytes.decode(errors="replace")
