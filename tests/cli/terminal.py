"""A real pseudo-terminal of a given width, and what a program writes into it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.sandbox import TIMEOUT
from tests.terminals import opened


class Terminal:
    """A pseudo-terminal in a directory."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd

    def type(
        self,
        *command: str,
        columns: int = 80,
        env: Mapping[str, str] | None = None,
        asked: str = "",
        answer: Callable[[], str] | None = None,
    ) -> str:
        """Run a command with all three streams on the terminal; return what is on it, with line feeds alone.

        answer: called when the question asked is on the terminal, for what is typed then.
        """
        master, slave = opened()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", **(env or {})}
        with subprocess.Popen(
            command, cwd=self.cwd, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        ) as process:
            os.close(slave)
            seen = _all(master, asked.encode(), answer)
            process.wait(timeout=TIMEOUT)
        return seen.decode().replace("\r\n", "\n")


def _all(master: int, asked: bytes, answer: Callable[[], str] | None) -> bytes:
    """Read until the other side is closed, which Linux reports as an error and macOS as an end."""
    seen = b""
    try:
        while data := os.read(master, 65536):
            seen += data
            if answer is not None and asked in seen:
                os.write(master, answer().encode())
                answer = None
    except OSError:
        pass
    finally:
        os.close(master)
    return seen
