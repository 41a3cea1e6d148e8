"""Run `git-agent` as a child of a process that has imported it already: a command costs a fork, not an interpreter.

It is the real program in a process, directory and environment of its own: 25 ms instead of 150, thousands of times.
What git adds in front (`git agent`), what is imported when, and what an interpreter does with its environment is
tested with `Sandbox.run("git", "agent", ...)`, as the transcripts do.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COLD = ("HOME", "XDG_", "LC_", "LANG", "PYTHON", "TZ")
"""What the interpreter or libgit2 reads once, when it starts: a command for which it differs needs its own."""
_MOST = 100_000  # bytes of an order; what is larger is left to the system and its limits


class Warm:
    """The process that runs commands, as its parent sees it."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self._process, self._control, self._turn = process, control, threading.Lock()

    def run(
        self, args: Sequence[str], cwd: str, env: Mapping[str, str], stdin: bytes, timeout: float
    ) -> tuple[int, bytes, bytes] | None:
        """Run git-agent; return its exit code and what it wrote, None when it has to be run cold.

        env: the whole environment; timeout: seconds. Raises TimeoutExpired as subprocess.run does.
        """
        order = json.dumps({"args": args, "cwd": cwd, "env": dict(env)}).encode()
        if len(order) > _MOST or len(stdin) > 60_000 or not os.path.isdir(cwd) or "\0" in "".join(args):
            return None
        pipes = [os.pipe() for _ in range(4)]  # stdin, stdout, stderr, how it ended
        (read_in, write_in), (out, write_out), (err, write_err), (told, write_told) = pipes
        given = [read_in, write_out, write_err, write_told]
        try:
            with self._turn:
                socket.send_fds(self._control, [b"%08d" % len(order) + order], given)
        finally:
            for fd in given:
                os.close(fd)
        with contextlib.suppress(BrokenPipeError), os.fdopen(write_in, "wb") as file:
            file.write(stdin)
        texts = _collect([out, err, told], timeout, ["git-agent", *args])
        _, code = texts[2].split()
        return int(code), texts[0], texts[1]


def _collect(fds: Sequence[int], timeout: float, command: list[str]) -> list[bytes]:
    texts = dict.fromkeys(fds, b"")
    end = time.monotonic() + timeout
    with selectors.DefaultSelector() as waiting:
        for fd in fds:
            waiting.register(fd, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(max(0.0, end - time.monotonic())):
                data = os.read(key.fd, 65536)
                texts[key.fd] += data
                if not data:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
            if time.monotonic() >= end:
                if pid := texts[fds[2]].split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout, texts[fds[0]], texts[fds[1]])
    return [texts[fd] for fd in fds]


@contextmanager
def warm() -> Iterator[Warm]:
    """Start the process, with the environment as it is now, and end it."""
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-m", "tests.warm", str(theirs.fileno())]
    with subprocess.Popen(
        command, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        theirs.close()
        yield Warm(process, ours)
        ours.close()


def load() -> None:
    """Import once what commands import."""
    import git_agent

    for module in pkgutil.walk_packages(git_agent.__path__, "git_agent."):
        if module.name != "git_agent.actions.demo_project":
            importlib.import_module(module.name)
    for name in ("pygit2", "playhouse.apsw_ext", "rich.table", "rich.console", "difflib", "tempfile", "shutil"):
        importlib.import_module(name)


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control, self._running = control, dict[int, int]()  # the pipe that waits for each process's end
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Fork one command after another until nobody asks any more."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._control, selectors.EVENT_READ)
            waiting.register(self._wake_read, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in waiting.select()}
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._bury()
                if self._control.fileno() in ready and not self._start(waiting):
                    return

    def _start(self, waiting: selectors.BaseSelector) -> bool:
        data, fds, _, _ = socket.recv_fds(self._control, 65536, 4)
        if not data:
            return False
        length = int(data[:8])
        while len(data) < length + 8:
            data += self._control.recv(length + 8 - len(data))
        order = json.loads(data[8:])
        pid = os.fork()
        if pid == 0:
            waiting.close()
            self._become(order, fds)
        os.write(fds[3], b"%d " % pid)
        self._running[pid] = fds[3]
        for fd in fds[:3]:
            os.close(fd)
        return True

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                told = self._running.pop(ended[0])
                os.write(told, b"%d" % os.waitstatus_to_exitcode(ended[1]))
                os.close(told)

    def _become(self, order: dict[str, Any], fds: Sequence[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, fd in enumerate(fds[:3]):
            os.dup2(fd, number)
        for fd in (*fds, *self._running.values(), self._wake_read, self._wake_write, self._control.fileno()):
            os.close(fd)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", 1, closefd=False)
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["env"])
        sys.argv = [os.path.join(os.path.dirname(sys.executable), "git-agent"), *order["args"]]
        _run()


def _run() -> None:
    from git_agent.cli import main

    code: Any = 1
    try:
        main.run()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(int(code or 0))


if __name__ == "__main__":
    load()
    import gc

    gc.collect()
    gc.freeze()  # else each child would copy what it looks at
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()
