"""Run a configured command (setup, check) through the shell; stream its output and keep the last lines."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping

from git_agent.proc.environment import clean_environment, placed
from git_agent.record import Record

TAIL_LINES = 40
_LOOK_S = 0.5
_GRACE_S = 2.0  # between SIGTERM and SIGKILL
_LONGEST = 64 * 1024  # characters of a line without an end

# A guard process beside the command reads from a pipe that only we hold open. If we are killed, it kills the command's
# process group, including itself. Nothing else could: kill -9 gives us no time, and Python has no PR_SET_PDEATHSIG.
_GUARD = 'exec 3<&0 </dev/null; { read -r x <&3 || kill -s KILL 0; } >/dev/null 2>&1 & exec 3<&-; exec /bin/sh -c "$1"'


class ShellResult(Record):
    """How a command ended.

    status: exit status, negative for a signal, None if it timed out
    tail: the last lines of its output
    seconds: how long it took
    """

    status: int | None
    tail: tuple[str, ...]
    seconds: float


class _Lines:
    """Splits output into lines. A line that a carriage return overwrites counts as a line, too."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self.line = line
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""

    def add(self, data: bytes) -> None:
        *whole, self.rest = re.split(r"\r\n|\n|\r(?!$)", self.rest + self.decoder.decode(data, final=not data))
        if self.rest and (not data or len(self.rest) > _LONGEST):
            whole, self.rest = [*whole, self.rest.rstrip("\r")], ""
        for text in whole:
            self.tail.append(text)
            self.line(text)


def run_shell(
    command: str,
    cwd: str,
    env: Mapping[str, str],
    line: Callable[[str], None],
    *,
    heard: Callable[[bytes], None] = lambda data: None,
    tick: Callable[[], None] = lambda: None,
    within_s: float | None = None,
    leaves: bool = False,
) -> ShellResult:
    """Run a command of the user's configuration with sh, in a process group of its own, with empty standard input.

    An interruption or the death of this process ends the whole group.

    cwd: the directory to run in
    env: added to clean_environment(), so that git in the command means cwd
    line: called with each line of output
    heard: called with the raw output
    tick: called at least every half second
    within_s: timeout in seconds; None: no limit
    leaves: keep what the command put into the background (a server that a setup command starts); otherwise the whole
        group ends with the command
    """
    gate, held = os.pipe()
    began = time.monotonic()
    try:
        process = _start(command, cwd, env, gate)
    except BaseException:
        os.close(held)
        raise
    finally:
        os.close(gate)
    lines, ended = _Lines(line), False
    try:
        ended = _follow(process, lines, heard, tick, None if within_s is None else began + within_s)
        if ended and leaves:
            os.write(held, b"\n")  # ends the guard, and nothing else
    finally:
        _end(process, ended, leaves)
        os.close(held)
    lines.add(b"")
    return ShellResult(process.returncode if ended else None, tuple(lines.tail), time.monotonic() - began)


def _start(command: str, cwd: str, env: Mapping[str, str], gate: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "git-agent", command],
        cwd=cwd,
        env=placed({**clean_environment(), **env}, cwd),
        stdin=gate,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _follow(
    process: subprocess.Popen[bytes],
    lines: _Lines,
    heard: Callable[[bytes], None],
    tick: Callable[[], None],
    deadline: float | None,
) -> bool:
    """Pass on the output until the command has ended; return False on a timeout.

    Processes that the command left running may still hold the pipe open.
    """
    assert process.stdout is not None
    reader, poll = process.stdout.fileno(), select.poll()
    poll.register(reader, select.POLLIN)
    gone_at: float | None = None
    while True:
        tick()
        ready = poll.poll(_LOOK_S * 1000 if gone_at is None else 0)
        data = os.read(reader, 65536) if ready else b""
        if data:
            heard(data)
            lines.add(data)
        elif ready:
            break
        now = time.monotonic()
        if gone_at is not None and (not ready or now - gone_at > _LOOK_S):
            return True
        if gone_at is None and _has_ended(process):
            gone_at = now
        if deadline is not None and now > deadline and gone_at is None:
            return False
    return _wait(process, tick, deadline)


def _wait(process: subprocess.Popen[bytes], tick: Callable[[], None], deadline: float | None) -> bool:
    """Wait for a command that closed its output; most end at the same time."""
    while not _has_ended(process):
        tick()
        if deadline is not None and time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Check without reaping the process: until it is reaped, its number can't become another group's."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes], ended: bool, leaves: bool) -> None:
    try:
        if not ended:
            _signal(process, signal.SIGTERM)
            until = time.monotonic() + _GRACE_S
            while not _has_ended(process) and time.monotonic() < until:
                time.sleep(0.02)
    finally:
        if not (ended and leaves):
            _signal(process, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
