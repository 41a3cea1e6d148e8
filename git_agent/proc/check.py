"""Run a configured command (setup, check) through the shell, streaming its output and keeping the end of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

TAIL_LINES = 40


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended. status: exit status, negative for a signal; tail: its last lines."""

    status: int
    tail: tuple[str, ...]


def run(command: str, cwd: str, env: Mapping[str, str], line: Callable[[str], None]) -> Ran:
    """Run a command of the user's configuration with sh in a directory, in a process group of its own.

    env: added to the environment, which loses git's own variables so that git in it means cwd; line: called with
    each line of output. Standard input is closed. An interruption ends the whole group.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        env={**environment(), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    try:
        assert process.stdout is not None
        for text in process.stdout:
            tail.append(text.rstrip("\n"))
            line(tail[-1])
        return Ran(process.wait(), tuple(tail))
    finally:
        _end(process)


def environment() -> dict[str, str]:
    """Return the environment without what ties git, and git agent, to where we were called and by whom."""
    kept = ("GIT_CONFIG", "GIT_AUTHOR", "GIT_COMMITTER", "GIT_SSH")
    return {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(kept)}


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
