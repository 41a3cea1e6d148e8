"""The two channels between a supervisor's main thread and its beat thread, and the messages on them."""

from __future__ import annotations

import contextlib
import os
import queue
from enum import Enum

from git_agent.record import Record


class Say(Enum):
    """A message from the main thread to the beat thread."""

    TICK = "tick"
    PROGRESS = "progress"
    STOP = "stop"


class Lost(Record):
    """The attempt was superseded.

    how: the verb of the event, such as reassigned or reaped
    by: who superseded it
    kill: whether to end the agent
    """

    how: str
    by: str
    kill: bool


class Cancelled(Record):
    """The task was cancelled.

    by: who cancelled it
    kill: whether to end the agent at once
    """

    by: str
    kill: bool


class Stopped(Record):
    """The session was asked to end.

    by: who asked
    """

    by: str


class Mail(Record):
    """New messages arrived for the worker.

    number: how many messages it has not seen
    """

    number: int


class Fault(Record):
    """Beats fail, or succeed again.

    message: why they fail, None when they succeed again
    """

    message: str | None


class Died(Record):
    """The beat thread ended with an unexpected error.

    message: the error
    """

    message: str


Heard = Lost | Cancelled | Stopped | Mail | Fault | Died


class ToBeat:
    """The channel to the beat thread."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Say] = queue.SimpleQueue()

    def say(self, word: Say) -> None:
        """Send a message. Never blocks."""
        self._queue.put(word)

    def hear(self, timeout_s: float) -> Say | None:
        """Wait at most timeout_s seconds for a message. Returns None when none arrives."""
        with contextlib.suppress(queue.Empty):
            return self._queue.get(timeout=max(0.0, timeout_s))
        return None


class FromBeat:
    """The channel from the beat thread. Its `fd` becomes readable when a message arrives, which wakes a select."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self.fd, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def say(self, what: Heard) -> None:
        """Send a message. Never blocks."""
        self._queue.put(what)
        with contextlib.suppress(OSError):  # a full pipe: the bytes in it already wake the reader
            os.write(self._wake, b"\0")

    def hear(self) -> list[Heard]:
        """Return the messages that arrived since the last call. Call it when fd is readable."""
        os.read(self.fd, 4096)
        said: list[Heard] = []
        with contextlib.suppress(queue.Empty):
            while True:
                said.append(self._queue.get_nowait())
        return said

    def close(self) -> None:
        """Close the pipe. Call it after the beat thread has ended."""
        os.close(self.fd)
        os.close(self._wake)
