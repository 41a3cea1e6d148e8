"""The two channels between a supervisor's main thread and its beat thread: what is said, and how it is waited for."""

from __future__ import annotations

import contextlib
import os
import queue
from enum import Enum
from typing import NamedTuple


class Say(Enum):
    """What the main thread says to the beat thread."""

    TICK = "tick"
    PROGRESS = "progress"
    STOP = "stop"


class Lost(NamedTuple):
    """The attempt was superseded. how: the event's verb (reassigned, reaped); by: who; kill: the worker is to end."""

    how: str
    by: str
    kill: bool


class Cancelled(NamedTuple):
    """The task was called off. by: who; kill: the worker is to end at once."""

    by: str
    kill: bool


class Stopped(NamedTuple):
    """Somebody asked the session to end. by: who."""

    by: str


class Mail(NamedTuple):
    """Messages came that the worker has not seen. number: how many wait now."""

    number: int


class Fault(NamedTuple):
    """Beats fail, or work again. message: why they fail; None when they work again."""

    message: str | None


class Died(NamedTuple):
    """The beat thread ended, for a reason that nobody foresaw. message: what it was."""

    message: str


Heard = Lost | Cancelled | Stopped | Mail | Fault | Died


class ToBeat:
    """The channel to the beat thread."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Say] = queue.SimpleQueue()

    def say(self, word: Say) -> None:
        """Say something; never waits."""
        self._queue.put(word)

    def hear(self, timeout_s: float) -> Say | None:
        """Wait for a word, timeout_s seconds at most; None when none came."""
        with contextlib.suppress(queue.Empty):
            return self._queue.get(timeout=max(0.0, timeout_s))
        return None


class FromBeat:
    """The channel from the beat thread; its `fd` can be read when something was said, so that a select wakes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self.fd, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def say(self, what: Heard) -> None:
        """Say something; never waits."""
        self._queue.put(what)
        with contextlib.suppress(OSError):  # the pipe is full of bytes that wake as well as this one
            os.write(self._wake, b"\0")

    def hear(self) -> list[Heard]:
        """List what was said since; call it when fd can be read."""
        os.read(self.fd, 4096)
        said: list[Heard] = []
        with contextlib.suppress(queue.Empty):
            while True:
                said.append(self._queue.get_nowait())
        return said

    def close(self) -> None:
        """Close the pipe; the beat thread has ended."""
        os.close(self.fd)
        os.close(self._wake)
