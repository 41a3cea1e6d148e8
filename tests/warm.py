"""Run `git-agent` as a child of a process that has imported it already: a command costs a fork, not an interpreter.

It is the real program in a process, directory and environment of its own: 25 ms instead of 150, thousands of times.
Pieces of Python that use the store (tests/store/children.py) are run so, too. What is imported when, what signals do,
and what an interpreter makes of its environment is tested with the program itself: `Sandbox.run("git", "agent", ...)`,
tests/running, tests/hooks and tests/test_demo.py do.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# What the interpreter or libgit2 reads once, when it starts: where it differs, the command needs its own.
COLD = ("XDG_", "LC_", "LANG", "PYTHON", "TZ=")
NO_MATTER = "PYTHONDONTWRITEBYTECODE="  # everything is compiled already
_MOST = 100_000  # bytes of an order; what is larger is left to the system and its limits
_CLIENT = """\
#!{python} -IS
import _socket, array, os, sys
where = os.getcwd()
words = [where, "", str(len(sys.argv) - 1), *sys.argv[1:], *(f"{{k}}={{v}}" for k, v in os.environ.items())]
order = b"\\0".join(map(os.fsencode, words))
code = b""
if len(order) < {most}:
    there = _socket.socket(_socket.AF_UNIX)
    there.connect({path!r})
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
    there.sendmsg([b"%08d" % len(order) + order], [rights])
    os.chdir("/")
    while more := there.recv(64):
        code += more
    os.chdir(where)
if code.split()[1:]:
    number = int(code.split()[1])
    if number < 0:
        os.kill(os.getpid(), -number)
    os._exit(number)
os.execv({program!r}, ["git-agent", *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Warm:
    """The process that runs commands. directory: has a `git-agent` that hands its command to it."""

    directory: str

    def run(
        self, args: Sequence[str], cwd: str, env: Mapping[str, str], stdin: bytes, timeout: float, code: str = ""
    ) -> tuple[int, bytes, bytes] | None:
        """Run git-agent; return its exit code and what it wrote, None when it has to be run cold.

        env: the whole environment; timeout: seconds; code: Python to run instead. Raises TimeoutExpired as
        subprocess.run does.
        """
        if len(stdin) > 60_000:
            return None
        (read_in, write_in), (out, write_out), (err, write_err) = (os.pipe() for _ in range(3))
        there = self.order(args, cwd, env, (read_in, write_out, write_err), code)
        for fd in (read_in, write_out, write_err):
            os.close(fd)
        with contextlib.suppress(BrokenPipeError), os.fdopen(write_in, "wb") as file:
            file.write(stdin)
        with there or contextlib.nullcontext():
            ends = [os.dup(there.fileno())] if there else []
            texts = _collect([out, err, *ends], timeout, ["git-agent", *args])
        told = status(b"".join(texts[2:]))
        return None if told is None else (told, texts[0], texts[1])

    def order(
        self, args: Sequence[str], cwd: str, env: Mapping[str, str], streams: Sequence[int], code: str = ""
    ) -> socket.socket | None:
        """Let git-agent begin, with three descriptors for its streams; None when it has to be run cold.

        What is returned ends when the command does; `status` reads what it said.
        """
        words = [cwd, code, str(len(args)), *args, *(f"{k}={v}" for k, v in env.items())]
        order = b"\0".join(map(os.fsencode, words))
        if len(order) > _MOST or not os.path.isdir(cwd) or "\0" in "".join(args):
            return None
        there = socket.socket(socket.AF_UNIX)
        there.connect(f"{self.directory}/socket")
        socket.send_fds(there, [b"%08d" % len(order) + order], streams)
        return there


def status(told: bytes) -> int | None:
    """Read how a command ended; None when it has to be run cold."""
    words = told.split()
    return int(words[1]) if words else None


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
                if pid := b"".join(texts[fd] for fd in fds[2:]).split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid[0]), signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, timeout, texts[fds[0]], texts[fds[1]])
    return [texts[fd] for fd in fds]


@contextmanager
def warm(root: Path = ROOT) -> Iterator[Warm]:
    """Start the process, with the environment as it is now, and end it. root: where the program is imported from."""
    with tempfile.TemporaryDirectory(prefix="warm") as directory:
        path, program = f"{directory}/socket", os.path.join(os.path.dirname(sys.executable), "git-agent")
        client = Path(directory, "git-agent")
        client.write_text(_CLIENT.format(python=sys.executable, most=_MOST, path=path, program=program))
        client.chmod(0o755)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen(100)
            command = [sys.executable, "-m", "tests.warm", str(listening.fileno())]
            process = subprocess.Popen(
                command,
                cwd=root,
                pass_fds=[listening.fileno()],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
            )
        with process:
            yield Warm(directory)
            assert process.stdin is not None
            process.stdin.close()


def load() -> None:
    """Import once what commands import, for children that are forked."""
    import gc

    import git_agent

    for module in pkgutil.walk_packages(git_agent.__path__, "git_agent."):
        if module.name != "git_agent.demo.project":
            importlib.import_module(module.name)
    for name in ("playhouse.apsw_ext", "rich.table", "rich.console", "difflib", "tempfile", "shutil"):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else each child would copy what it looks at


class _Server:
    def __init__(self, listening: socket.socket) -> None:
        self._listening, self._running = listening, dict[int, socket.socket]()  # who waits for each process's end
        self._home = os.environ["HOME"]
        self._cold = _cold(f"{k}={v}" for k, v in os.environ.items())
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._wake_write)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Fork one command after another until whoever started us is gone."""
        with selectors.DefaultSelector() as waiting:
            for file in (0, self._listening, self._wake_read):
                waiting.register(file, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in waiting.select()}
                if 0 in ready:
                    return
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                    self._bury(waiting)
                if self._listening.fileno() in ready:
                    self._start(waiting)
                for pid, client in self._running.items():
                    if client.fileno() in ready:  # it was ended, and so is what it waits for
                        with contextlib.suppress(KeyError):
                            waiting.unregister(client)
                        os.kill(pid, signal.SIGTERM)

    def _start(self, waiting: selectors.BaseSelector) -> None:
        client, _ = self._listening.accept()
        data, fds, _, _ = socket.recv_fds(client, 65536, 3)
        length = int(data[:8])
        while len(data) < length + 8:
            data += client.recv(length + 8 - len(data))
        cwd, code, number, *words = map(os.fsdecode, data[8:].split(b"\0"))
        args, env = words[: int(number)], words[int(number) :]
        if self._cold == _cold(env):
            pid = os.fork()
            if pid == 0:
                waiting.close()
                self._become(args, env, cwd, fds, client)
                _run(code)
            client.send(b"%d " % pid)
            self._running[pid] = client
            waiting.register(client, selectors.EVENT_READ)
        else:
            client.close()
        for fd in fds:
            os.close(fd)

    def _bury(self, waiting: selectors.BaseSelector) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                with self._running.pop(ended[0]) as client:
                    with contextlib.suppress(KeyError):
                        waiting.unregister(client)
                    with contextlib.suppress(OSError):
                        client.send(b"%d" % os.waitstatus_to_exitcode(ended[1]))

    def _become(self, args: list[str], env: list[str], cwd: str, fds: list[int], client: socket.socket) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
        for file in (client, self._listening, *self._running.values()):
            file.close()
        for fd in (*fds, self._wake_read, self._wake_write):
            os.close(fd)
        sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", 1, closefd=False)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(each.partition("=")[::2] for each in env)
        if os.environ["HOME"] != self._home:
            _move(os.environ["HOME"])
        sys.argv = [os.path.join(os.path.dirname(sys.executable), "git-agent"), *args]


def _cold(env: Any) -> set[str]:
    """Return what keeps a command from being forked here: variables that differ, and that there is no HOME."""
    env = list(env)
    homeless = set() if any(each.startswith("HOME=/") for each in env) else {"no HOME"}
    return homeless | {each for each in env if each.startswith(COLD) and not each.startswith(NO_MATTER)}


def _move(home: str) -> None:
    """Let libgit2, too, look for its configuration in another home, if something has loaded it."""
    if "pygit2" not in sys.modules:
        return
    import pygit2
    from pygit2.enums import ConfigLevel

    pygit2.settings.search_path[ConfigLevel.GLOBAL] = home
    pygit2.settings.search_path[ConfigLevel.XDG] = f"{home}/.config/git"


def _run(code: str) -> None:
    from git_agent.cli import main

    status: Any = 0 if code else 1
    try:
        exec(code, {"__name__": "__main__"}) if code else main.run()
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        status = 1
        traceback.print_exc()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(int(status or 0))


if __name__ == "__main__":
    load()
    _Server(socket.socket(fileno=int(sys.argv[1]))).serve()
