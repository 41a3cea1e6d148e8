"""Signals as bytes that a select waits for: while the block runs nothing is interrupted, and nothing gets lost."""

from __future__ import annotations

import os
import signal
from types import TracebackType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_PASSED_ON = (signal.SIGUSR1, signal.SIGUSR2)
_OURS = (signal.SIGCHLD, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class Signals:
    """`with Signals() as signals:` select on `signals.fd`, then ask `signals.take()`."""

    def __enter__(self) -> Signals:
        self.fd, self._wake = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake, False)
        # What is ignored (nohup) stays ignored.
        numbers = [n for n in (*ASKING, *_PASSED_ON, *_OURS) if signal.getsignal(n) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, lambda *_: None) for number in numbers}
        self._wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        os.close(self.fd)
        os.close(self._wake)

    def take(self) -> list[int]:
        """List the signals that came since, in order."""
        try:
            return list(os.read(self.fd, 4096))
        except BlockingIOError:
            return []
