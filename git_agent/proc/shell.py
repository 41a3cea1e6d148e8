"""Run a configured command (setup, check) through the shell, streaming its output and keeping the end of it."""

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
from dataclasses import dataclass, field

TAIL_LINES = 40
_LOOK_S = 0.5
_GRACE_S = 2.0  # between asking the group to end and killing it
_LONGEST = 64 * 1024  # characters of a line that does not end

# A process beside the command waits for the end of a pipe that only we hold: when we are killed it ends the command's
# group, itself with it. Nothing else would: kill -9 leaves no time to tell anybody, and Python has no PDEATHSIG.
_GUARD = 'exec 3<&0 </dev/null; { read -r x <&3 || kill -s KILL 0; } >/dev/null 2>&1 & exec 3<&-; exec /bin/sh -c "$1"'


@dataclass(frozen=True, slots=True)
class ShellResult:
    """How a command ended. status: exit status, negative for a signal, None when its time was up; tail: its last
    lines; seconds: how long it took.
    """

    status: int | None
    tail: tuple[str, ...]
    seconds: float


@dataclass(slots=True)
class _Lines:
    """Cuts what is printed into lines; one that is written over (a carriage return) is one, too."""

    line: Callable[[str], None]
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    decoder: codecs.IncrementalDecoder = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace"))
    rest: str = ""

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
    """Run a command of the user's configuration with sh in a directory, in a process group of its own.

    env: added to the environment, which loses git's own variables so that git in it means cwd; line: called with
    each line of output; heard: with all of it; tick: at least every half second; within_s: seconds after which it is
    ended; leaves: what it put into the background stays (a server that a setup starts), else the group ends with it.
    Standard input is closed. An interruption, and the death of this process, end the whole group.
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
            os.write(held, b"\n")  # the guard goes, and nothing else
    finally:
        _end(process, ended, leaves)
        os.close(held)
    lines.add(b"")
    return ShellResult(process.returncode if ended else None, tuple(lines.tail), time.monotonic() - began)


def clean_environment() -> dict[str, str]:
    """Return the environment without what ties git, and git agent, to where we were called and by whom."""
    kept = ("GIT_CONFIG", "GIT_AUTHOR", "GIT_COMMITTER", "GIT_SSH")
    return {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(kept)}


def _start(command: str, cwd: str, env: Mapping[str, str], gate: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "git-agent", command],
        cwd=cwd,
        env={**clean_environment(), **env},
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
    """Pass on the output until the command has ended; False when its time was up. What it left running may still
    have the pipe open.
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
    """It closed its output: mostly it ends at the same time."""
    while not _has_ended(process):
        tick()
        if deadline is not None and time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Look without reaping: until then its number can't become another group's."""
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
