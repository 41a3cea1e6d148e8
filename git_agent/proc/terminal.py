"""The terminal one sits at, and a pseudo-terminal that stands between it and a program."""

from __future__ import annotations

import contextlib
import fcntl
import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

_SIZE = 8  # bytes of struct winsize


def is_ours(stdin: int = 0, stdout: int = 1) -> bool:
    """Tell whether a person sits at both streams and we are in the foreground: only then may the terminal be set."""
    try:
        return os.isatty(stdin) and os.isatty(stdout) and os.tcgetpgrp(stdin) == os.getpgrp()
    except OSError:
        return False


def pair(like: int) -> tuple[int, int]:
    """Open a pseudo-terminal with the settings and the size of another terminal; return master and slave."""
    master, slave = os.openpty()
    with contextlib.suppress(termios.error):
        termios.tcsetattr(slave, termios.TCSANOW, termios.tcgetattr(like))
    resize(master, like)
    os.set_blocking(master, False)
    return master, slave


def resize(master: int, like: int) -> None:
    """Give a pseudo-terminal the size of another; whoever runs in it is told (SIGWINCH)."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(like, termios.TIOCGWINSZ, b"\0" * _SIZE))


class Raw:
    """Pass every key through: `with Raw(0): ...`; `leave` and `enter` again for the time that we are suspended."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before = termios.tcgetattr(fd)

    def enter(self) -> None:
        """Begin to pass keys through."""
        with contextlib.suppress(termios.error):
            tty.setraw(self._fd, termios.TCSADRAIN)

    def leave(self) -> None:
        """Set the terminal as it was."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)


@contextmanager
def raw(fd: int) -> Iterator[Raw]:
    """Hold a terminal in raw mode; it is as it was afterwards, however the block is left."""
    held = Raw(fd)
    held.enter()
    try:
        yield held
    finally:
        held.leave()
