"""Start programs, each in its own process group, read their output as it comes, and leave none behind.

    with ProgramGroup() as programs:
        worker = programs.start(["sh", "worker.sh"], cwd="/work", env={"PATH": "/usr/bin:/bin"})
        programs.follow([worker], lambda program, line: print(line), within_s=60)
        print(worker.status)

When the block ends, for whatever reason, every process group gets SIGTERM, and SIGKILL two seconds later.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, TracebackType

from git_agent.proc.environment import placed

_GRACE_S = 2.0  # between SIGTERM and SIGKILL
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Program:
    """A started program.

    status: exit status, negative for a signal, None while it runs
    seconds: how long it took
    """

    def __init__(self, process: subprocess.Popen[bytes], reader: int) -> None:
        self.process = process
        self.reader = reader
        self.began = time.monotonic()
        self.status: int | None = None
        self.seconds = 0.0
        self.rest = b""


Line = Callable[[Program, str], None]


def start_detached(
    command: Sequence[str], *, cwd: str, env: Mapping[str, str] | None = None, keep: Sequence[int] = ()
) -> None:
    """Start a program that outlives us, in its own session, with its standard streams on /dev/null.

    env: the whole environment; None: ours
    keep: file descriptors that it inherits
    """
    nothing = subprocess.DEVNULL
    started = subprocess.Popen(
        command,
        cwd=cwd,
        env=placed(os.environ if env is None else env, cwd),
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        pass_fds=keep,
        start_new_session=True,
    )
    started.returncode = 0  # nobody waits for it; without this, Python warns about a child that still runs


class ProgramGroup:
    """Programs that end with the `with` block in which they were started."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    def __enter__(self) -> ProgramGroup:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with defer_signals():
            _end([p for p in self.programs if p.status is None])

    def start(
        self, words: Sequence[str], *, cwd: str, env: Mapping[str, str], terminal_width: int | None = None
    ) -> Program:
        """Start a program with empty standard input and both outputs in one stream.

        env: the whole environment
        terminal_width: columns of a pseudo-terminal for its output; None: a pipe;
            without terminals (a container without /dev/pts) it is a pipe, too

        Raises OSError if it can't be started.
        """
        with defer_signals():
            reader, writer = os.pipe() if terminal_width is None else _terminal(terminal_width)
            try:
                process = subprocess.Popen(
                    words,
                    cwd=cwd,
                    env=placed(env, cwd),
                    stdin=subprocess.DEVNULL,
                    stdout=writer,
                    stderr=writer,
                    start_new_session=True,
                )
            except BaseException:
                os.close(reader)
                raise
            finally:
                os.close(writer)
            self.programs.append(Program(process, reader))
        return self.programs[-1]

    def follow(
        self,
        programs: Sequence[Program],
        line: Line,
        *,
        within_s: float,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Pass on the programs' lines of output as they come, until all programs have ended.

        line: called with the program and each line
        within_s: timeout in seconds
        until: called after each read; returns True to stop early

        Raises TimeoutError.
        """
        deadline = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            for program in programs:
                if program.status is None:
                    selector.register(program.reader, selectors.EVENT_READ, program)
            while selector.get_map() and not until():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimeoutError(f"no end within {within_s:g} seconds")
                for key, _ in ready:
                    if not _read(key.data, line):
                        selector.unregister(key.fd)
                        _finish(key.data)


@contextlib.contextmanager
def defer_signals() -> Iterator[None]:
    """Defer SIGINT, SIGTERM and SIGHUP until the block ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(number)

    # An ignored signal stays ignored (nohup). A handler that Python did not set can't be restored.
    before = {n: h for n in _ENDING if (h := signal.getsignal(n)) not in (None, signal.SIG_IGN)}
    for number in before:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in held:
            signal.raise_signal(late)


def _terminal(width: int) -> tuple[int, int]:
    try:
        reader, writer = os.openpty()
    except OSError:  # a container without /dev/pts: then it prints to a pipe
        return os.pipe()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    attributes = termios.tcgetattr(writer)
    attributes[1] &= ~termios.OPOST  # keep \n as a single character
    termios.tcsetattr(writer, termios.TCSANOW, attributes)
    return reader, writer


def _read(program: Program, line: Line) -> bool:
    """Pass on the output that is available; return False at its end."""
    try:
        data = os.read(program.reader, 65536)
    except OSError as error:
        if error.errno != errno.EIO:  # on Linux: no process has the terminal open any longer
            raise
        data = b""
    *whole, program.rest = (program.rest + data).split(b"\n")
    for text in whole if data or not program.rest else [*whole, program.rest]:
        line(program, text.rsplit(b"\r", 1)[-1].decode(errors="replace"))
    return bool(data)


def _finish(program: Program) -> None:
    if hasattr(os, "waitid"):
        # Until the leader is reaped, its number can't become another group's.
        os.waitid(os.P_PID, program.process.pid, os.WEXITED | os.WNOWAIT)
        _signal(program, signal.SIGKILL)
    program.status = program.process.wait()
    program.seconds = time.monotonic() - program.began
    os.close(program.reader)


def _end(running: Sequence[Program]) -> None:
    for program in running:
        _signal(program, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_S
    while any(_runs(p) for p in running) and time.monotonic() < deadline:
        time.sleep(0.02)
    for program in running:
        _signal(program, signal.SIGKILL)
        _finish(program)


def _runs(program: Program) -> bool:
    if not hasattr(os, "waitid"):
        return True
    return os.waitid(os.P_PID, program.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None


def _signal(program: Program, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.process.pid, number)
