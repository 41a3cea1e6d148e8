"""Start one program in a session of its own, behind a gate: it runs only once its pid is on record.

child = start_gated(["sleep", "9"], cwd="/work", env=os.environ, stdin=0, stdout=1, stderr=2)
...                       # write child.pid down; a kill -9 here and now leaves nothing that runs
child.release()
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

STOPPED = 1000
"""What `poll` returns for one that stopped: no exit status."""
_CANNOT = 127  # what a shell says when it can't start a program


@dataclass(slots=True)
class Child:
    """A program that waits behind its gate, or runs. pid: also its process group and its session."""

    pid: int
    gate: int
    report: int

    def release(self) -> None:
        """Let it run. Raises OSError when it can't be started (no such file, not executable, no directory)."""
        with contextlib.suppress(BrokenPipeError):  # it is gone already; the report tells why
            os.write(self.gate, b"\n")
        os.close(self.gate)
        with open(self.report, "rb") as report:
            told = report.read()
        if told:
            number = int(told)
            raise OSError(number, os.strerror(number))

    def abandon(self) -> None:
        """End it before it ran."""
        os.close(self.gate)
        os.close(self.report)
        os.waitpid(self.pid, 0)

    def poll(self) -> int | None:
        """Return its exit status, negative for a signal, None while it runs; STOPPED once when it stops.

        Where it can, an ended one stays a zombie until `bury`: its number can't become another group's meanwhile.
        """
        if not hasattr(os, "waitid"):
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            return None if pid == 0 else STOPPED if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        try:
            return STOPPED if os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG) is not None else None
        except ChildProcessError:  # it ended since the question before, and can't stop any more: the next poll tells
            return None

    def bury(self) -> None:
        """Let the system forget it."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def start_gated(
    words: Sequence[str],
    *,
    cwd: str,
    env: Mapping[str, str],
    stdin: int,
    stdout: int,
    stderr: int,
    terminal: int | None = None,
) -> Child:
    """Fork a program that waits for its gate; call it while this process has one thread.

    env: its whole environment; stdin, stdout, stderr: open files for it; terminal: a terminal that becomes its
    controlling one and stands for those of the three that are this same file. Our signal handlers are not its own;
    what is ignored (nohup) stays ignored.
    """
    gate, opened = os.pipe()
    report, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(opened)  # else the gate would never be seen closed
        _become(words, lambda: _arrange(cwd, (stdin, stdout, stderr), terminal, gate), env, told)
    os.close(gate)
    os.close(told)
    return Child(pid, opened, report)


def _arrange(cwd: str, streams: tuple[int, int, int], terminal: int | None, gate: int) -> None:
    os.setsid()
    # setsid took this process out of our group; nobody can be hit by signals meant for us from here on.
    if os.read(gate, 1) == b"":
        os._exit(_CANNOT)
    if terminal is not None:
        _control(terminal)
    _lay(streams)
    os.chdir(cwd)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGWINCH):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them; programs don't expect that
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _control(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _lay(streams: tuple[int, int, int]) -> None:
    """Make the three its 0, 1 and 2; first out of the way, since one may stand where another goes."""
    kept = [os.dup(stream) for stream in streams]
    high = [fd if fd > 2 else _above(fd) for fd in kept]
    for number, stream in enumerate(high):
        os.dup2(stream, number)


def _above(fd: int) -> int:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


def _become(words: Sequence[str], arrange: Callable[[], None], env: Mapping[str, str], told: int) -> NoReturn:
    """Turn into the program, or tell why not; never return into the code of the parent."""
    try:
        signal.set_wakeup_fd(-1)
        arrange()
        os.execvpe(words[0], list(words), dict(env))
    except OSError as error:
        os.write(told, b"%d" % (error.errno or 5))
    finally:
        os._exit(_CANNOT)
