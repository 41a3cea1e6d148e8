"""The terminal one sits at, and a pseudo-terminal that stands between it and a program."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

_SIZE = 8  # bytes of struct winsize


def is_interactive(stdin: int = 0, stdout: int = 1) -> bool:
    """Tell whether a person sits at both streams and we are in the foreground: only then may the terminal be set."""
    try:
        return os.isatty(stdin) and os.isatty(stdout) and os.tcgetpgrp(stdin) == os.getpgrp()
    except OSError:
        return False


def open_pty(like: int) -> tuple[int, int]:
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


def suspend_key(master: int, leader: int) -> bytes:
    """Return the key that would stop whoever runs in a pseudo-terminal, if that is its session's leader itself.

    The kernel stops no group without a parent in its session that could wake it again. One that reads keys by itself,
    a shell's job, and a leader that ignores or handles SIGTSTP get their key: then b"" is returned.
    """
    try:
        settings = termios.tcgetattr(master)
        if not settings[3] & termios.ISIG or os.tcgetpgrp(master) != leader:
            return b""
        key = settings[6][termios.VSUSP]
    except (OSError, termios.error):
        return b""
    return key if isinstance(key, bytes) and key != b"\0" and not _minds_stops(leader) else b""


def _minds_stops(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return False
    masks = int(fields.get("SigIgn", "0"), 16) | int(fields.get("SigCgt", "0"), 16)
    return bool(masks >> (signal.SIGTSTP - 1) & 1)


class RawMode:
    """Pass every key through: `with RawMode(0): ...`; `leave` and `enter` again for the time that we are suspended."""

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
def raw_mode(fd: int) -> Iterator[RawMode]:
    """Hold a terminal in raw mode; it is as it was afterwards, however the block is left."""
    held = RawMode(fd)
    held.enter()
    try:
        yield held
    finally:
        held.leave()
