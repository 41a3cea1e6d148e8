"""A `git agent watch` that runs beside a test, read line by line."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sandbox import Sandbox

PATIENCE = 30.0  # seconds


class Follower:
    """A watch with its outputs in pipes. It is git-agent itself, so that a signal meets it alone."""

    def __init__(self, cwd: Path, *args: str, env: Mapping[str, str] | None = None) -> None:
        command = ["git-agent", "watch", *args]
        pipe, environment = subprocess.PIPE, {**os.environ, **(env or {})}
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
        )
        self.rest = b""

    def line(self, within_s: float = PATIENCE) -> str:
        """Return the next line that it prints; fail, with what it said, when none comes."""
        end = time.monotonic() + within_s
        while b"\n" not in self.rest:
            data = self._read(end - time.monotonic())
            assert data, f"no line, but {self.rest!r}; it said {self.ended()}"
            self.rest += data
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()

    def event(self) -> dict[str, Any]:
        """Return the next line's event."""
        return dict(json.loads(self.line())["event"])

    def _read(self, within_s: float) -> bytes:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            return os.read(self.process.stdout.fileno(), 65536) if selector.select(max(0.0, within_s)) else b""

    def silent(self, seconds: float) -> bool:
        """Tell whether nothing more is printed for so long."""
        self.rest += self._read(seconds)
        return self.rest == b""

    def ended(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return exit code and what was said on stderr."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Return exit code and what was said on stderr."""
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err.decode()


@contextmanager
def following(repo: Sandbox, *args: str, env: Mapping[str, str] | None = None) -> Iterator[Follower]:
    """Have a watch run beside the block."""
    follower = Follower(repo.path, *args, env=env)
    try:
        yield follower
    finally:
        with follower.process as process:  # waits, and closes the pipes
            process.kill()
