"""Carry bytes between an agent and the person or program that looks on, never waiting for either."""

from __future__ import annotations

import os
from collections.abc import Callable

_READ = 16384
_WRITE = 4096  # PIPE_BUF: a pipe that select calls writable takes as much without waiting
_PENDING = 65536
_TAIL = 8192


class Pump:
    """One direction. source: read from; sink: written to, None to throw away; heard: called with what is read; passes:
    returns what of it goes on.

    A sink that does not take more stops the reading, as a pipe would; one that is gone is forgotten, and the reading
    goes on, since the log wants it all.
    """

    def __init__(self, source: int, sink: int | None) -> None:
        self.source, self.sink = source, sink
        self.open = True
        self.heard: Callable[[bytes], None] | None = None
        self.passes: Callable[[bytes], bytes] | None = None
        self._pending = bytearray()

    @property
    def reads(self) -> bool:
        """Tell whether it wants to read."""
        return self.open and len(self._pending) < _PENDING

    @property
    def writes(self) -> bool:
        """Tell whether it wants to write."""
        return self.sink is not None and bool(self._pending)

    def read(self) -> None:
        """Read what is there; the source is closed at its end, which Linux calls EIO for a terminal."""
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
        """Write a part of what waits."""
        assert self.sink is not None
        try:
            done = os.write(self.sink, self._pending[:_WRITE])
        except BlockingIOError:
            return
        except OSError:
            self.sink, done = None, len(self._pending)
        del self._pending[:done]


class Tail:
    """The end of what was printed."""

    def __init__(self) -> None:
        self._bytes = b""

    def add(self, data: bytes) -> None:
        """Take more."""
        self._bytes = (self._bytes + data)[-_TAIL:]

    @property
    def text(self) -> str:
        """Return it as text, with whatever else programs print to terminals."""
        return self._bytes.decode(errors="replace")
