"""The user's terminal, and the pseudo-terminal between it and a program."""

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
    """Return whether both streams are a terminal and we are in its foreground. Only then may we change its mode."""
    try:
        return os.isatty(stdin) and os.isatty(stdout) and os.tcgetpgrp(stdin) == os.getpgrp()
    except OSError:
        return False


def can_be_had() -> bool:
    """Return whether a pseudo-terminal can be opened; in a container without /dev/pts it can't."""
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError:
        return False
    return True


def open_pty(like: int) -> tuple[int, int]:
    """Open a pseudo-terminal with the settings and size of the terminal `like`; return master and slave."""
    master, slave = os.openpty()
    with contextlib.suppress(termios.error):
        termios.tcsetattr(slave, termios.TCSANOW, termios.tcgetattr(like))
    resize(master, like)
    os.set_blocking(master, False)
    return master, slave


def resize(master: int, like: int) -> None:
    """Give a pseudo-terminal the size of the terminal `like`; its programs get SIGWINCH."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(like, termios.TIOCGWINSZ, b"\0" * _SIZE))


def is_raw(master: int) -> bool:
    """Return whether the program on a pseudo-terminal reads single keys, as full-screen programs and shells do."""
    try:
        return not termios.tcgetattr(master)[3] & termios.ICANON
    except (OSError, termios.error):
        return False


def suspend_key(master: int, leader: int) -> bytes:
    """Return the suspend key of a pseudo-terminal if its session leader is in the foreground, else b"".

    The kernel does not stop a process group that has no parent in its session to continue it, so we must stop the
    leader ourselves. A program in raw mode, a shell's job, and a leader that ignores or handles SIGTSTP get the key as
    input instead: then the result is b"".

    leader: pid of the session's leader
    """
    try:
        settings = termios.tcgetattr(master)
        if not settings[3] & termios.ISIG or os.tcgetpgrp(master) != leader:
            return b""
        key = settings[6][termios.VSUSP]
    except (OSError, termios.error):
        return b""
    return key if isinstance(key, bytes) and key != b"\0" and not _handles_sigtstp(leader) else b""


def _handles_sigtstp(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
    except OSError:
        return False
    masks = int(fields.get("SigIgn", "0"), 16) | int(fields.get("SigCgt", "0"), 16)
    return bool(masks >> (signal.SIGTSTP - 1) & 1)


class RawMode:
    """Raw mode of a terminal: `leave` and `enter` it around a suspension."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before = termios.tcgetattr(fd)

    def enter(self) -> None:
        """Switch to raw mode, which passes every key through."""
        with contextlib.suppress(termios.error):
            tty.setraw(self._fd, termios.TCSADRAIN)

    def leave(self) -> None:
        """Restore the terminal's settings."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)


@contextmanager
def raw_mode(fd: int) -> Iterator[RawMode]:
    """Keep a terminal in raw mode during the block, and restore its settings afterwards."""
    held = RawMode(fd)
    held.enter()
    try:
        yield held
    finally:
        held.leave()
