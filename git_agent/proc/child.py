"""Start one program in its own session, behind a gate: it runs only after its pid is recorded.

child = start_gated(["sleep", "9"], cwd="/work", env=os.environ, stdin=0, stdout=1, stderr=2)
...                       # record child.pid; a kill -9 at this point leaves nothing running
child.release()
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from git_agent.proc.environment import placed
from git_agent.record import Record

STOPPED = 1000
"""What `poll` returns for a stopped program. It can't be confused with an exit status."""
_CANNOT = 127  # the exit status of a shell that can't start a program


class Child(Record):
    """A program that waits behind its gate, or runs.

    pid: also the number of its process group and session
    gate: the file descriptor that releases it
    report: the file descriptor on which it reports a failed start
    """

    pid: int
    gate: int
    report: int

    def release(self) -> None:
        """Let it run. Raises OSError if it can't be started (no such file, not executable, no such directory)."""
        with contextlib.suppress(BrokenPipeError):  # it is already gone; the report says why
            os.write(self.gate, b"\n")
        os.close(self.gate)
        with open(self.report, "rb") as report:
            told = report.read()
        if told:
            number = int(told)
            raise OSError(number, os.strerror(number))

    def abandon(self) -> None:
        """End it without running it."""
        os.close(self.gate)
        os.close(self.report)
        os.waitpid(self.pid, 0)

    def poll(self) -> int | None:
        """Return its exit status (negative for a signal), None while it runs, or STOPPED once after it stopped.

        Where the system has waitid, an ended program stays a zombie until `reap`, so its number can't become another
        group's in the meantime.
        """
        if not hasattr(os, "waitid"):
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            return None if pid == 0 else STOPPED if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        try:
            return STOPPED if os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG) is not None else None
        except ChildProcessError:  # it ended after the first waitid; the next poll returns its status
            return None

    def reap(self) -> None:
        """Reap the ended program."""
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
    """Fork a program that waits behind a gate. Call this while the process has only one thread.

    The program does not inherit our signal handlers, but ignored signals stay ignored (nohup).

    words: the command
    cwd: the directory to run in
    env: the whole environment
    stdin, stdout, stderr: file descriptors
    terminal: file descriptor of a terminal that becomes its controlling terminal; some of the three may be the same
    """
    gate, opened = os.pipe()
    report, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(opened)  # otherwise the child would never see the gate closed
        _become(words, lambda: _arrange(cwd, (stdin, stdout, stderr), terminal, gate), placed(env, cwd), told)
    os.close(gate)
    os.close(told)
    return Child(pid, opened, report)


def _arrange(cwd: str, streams: tuple[int, int, int], terminal: int | None, gate: int) -> None:
    os.setsid()
    # setsid took this process out of our group: from here on, signals meant for us no longer reach it.
    if os.read(gate, 1) == b"":
        os._exit(_CANNOT)
    if terminal is not None:
        _control(terminal)
    _lay(streams)
    os.chdir(cwd)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD, signal.SIGWINCH):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, but programs expect the default
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _control(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _lay(streams: tuple[int, int, int]) -> None:
    """Make the three files 0, 1 and 2. Move them above 2 first, because one may occupy another's number."""
    kept = [os.dup(stream) for stream in streams]
    high = [fd if fd > 2 else _above(fd) for fd in kept]
    for number, stream in enumerate(high):
        os.dup2(stream, number)


def _above(fd: int) -> int:
    import fcntl

    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


def _become(words: Sequence[str], arrange: Callable[[], None], env: Mapping[str, str], told: int) -> NoReturn:
    """Exec the program, or report why not; never return into the parent's code."""
    try:
        signal.set_wakeup_fd(-1)
        arrange()
        os.execvpe(words[0], list(words), dict(env))
    except OSError as error:
        os.write(told, b"%d" % (error.errno or 5))
    finally:
        os._exit(_CANNOT)
