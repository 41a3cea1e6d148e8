"""Receive signals as bytes that a select waits for. Inside the block no signal interrupts, and none is lost."""

from __future__ import annotations

import os
import signal
from types import TracebackType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_PASSED_ON = (signal.SIGUSR1, signal.SIGUSR2)
_OURS = (signal.SIGCHLD, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)


class Signals:
    """A `with` block: `with Signals() as signals:` select on `signals.fd`, then call `signals.take()`."""

    def __enter__(self) -> Signals:
        self.fd, self._wake = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake, False)
        # Ignored signals (nohup) stay ignored.
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
        """Return the signals that arrived since the last call, in order."""
        try:
            return list(os.read(self.fd, 4096))
        except BlockingIOError:
            return []
