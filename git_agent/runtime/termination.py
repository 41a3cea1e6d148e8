"""Ask an agent to end, and kill it if it does not."""

from __future__ import annotations

import signal
import time

from git_agent.proc.child import Child

GRACE_S = 10.0
"""Seconds between asking and killing; the same as in container runtimes."""
_ENDS = (signal.SIGTERM, signal.SIGHUP)


class Termination:
    """The termination of one agent's process group: what was sent, and what is due next."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._ask_at: float | None = None
        self._kill_at: float | None = None

    def ask(self, within_s: float = 0.0) -> None:
        """Schedule a SIGTERM unless one is scheduled or was sent.

        within_s: seconds until then
        """
        if self._ask_at is None and self._kill_at is None:
            self._ask_at = time.monotonic() + within_s
            self.go_on()

    def forward(self, number: int) -> None:
        """Forward a signal. One that asks to end is followed by a kill after GRACE_S; a second one kills at once."""
        if number in _ENDS and self._kill_at is not None:
            number = signal.SIGKILL
        self._child.signal(number)
        if number in _ENDS:
            self._begin_to_wait()

    def go_on(self) -> None:
        """Send the signals that are due."""
        now = time.monotonic()
        if self._ask_at is not None and now >= self._ask_at:
            self._ask_at = None
            self._child.signal(signal.SIGTERM)
            self._begin_to_wait()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = now + GRACE_S
            self._child.signal(signal.SIGKILL)

    def left_s(self, most_s: float) -> float:
        """Return the seconds until the next signal is due, at most most_s."""
        due = [at for at in (self._ask_at, self._kill_at) if at is not None]
        return max(0.0, min([most_s, *(at - time.monotonic() for at in due)]))

    def _begin_to_wait(self) -> None:
        self._child.signal(signal.SIGCONT)  # a stopped process would not handle the signal
        self._kill_at = self._kill_at or time.monotonic() + GRACE_S
