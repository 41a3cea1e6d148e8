"""Run `git agent` and hurt it at its n-th step: a process of its own that forks one hurt command after another.

A step is whatever changes the disk or starts a program, as Python's audit events tell
(https://docs.python.org/3/library/audit_events.html), and what pygit2 and the store do, which no event tells. The
command is the real one; only this driver knows of faults. It reads one JSON order a line and answers with one.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tests.warm import load

CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "interrupt": signal.SIGINT, "stop": signal.SIGSTOP}
ERRORS = {"io": 5, "full": 28}  # EIO and ENOSPC; "filled" stays full


class Fault:
    """Counts the steps of one command and strikes at the one it was made for."""

    def __init__(self, how: str, at: int, report: int) -> None:
        self.how, self.at, self.report, self.count, self.on = how, at, report, 0, True
        self.inside = False

    def step(self, name: str) -> None:
        """Count a step; strike if it is the one."""
        if not self.on:
            return
        self.count += 1
        if self.how == "count":
            os.write(self.report, f"{name}\n".encode(errors="replace"))
            return
        lasting = self.how == "filled" and self.count > self.at
        if self.count != self.at and not (lasting and not name.startswith("start ")):
            return
        os.write(self.report, f"{name}\n".encode(errors="replace"))
        if self.how in SIGNALS:
            os.kill(os.getpid(), SIGNALS[self.how])
        elif name.startswith("store "):
            self._fail_store()
        elif not name.startswith("after "):
            number = ERRORS.get(self.how, 28)
            raise OSError(number, os.strerror(number))

    def _fail_store(self) -> None:
        import apsw

        raise apsw.IOError("disk I/O error") if self.how == "io" else apsw.FullError("database or disk is full")

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Take Python's word for what is about to be done."""
        if event == "subprocess.Popen":
            self.step("start " + " ".join(str(word) for word in args[1][9:] or args[1])[:200])
        elif event == "open" and isinstance(args[0], str | bytes) and (args[2] or 0) & WRITING:
            path = os.fsdecode(args[0])
            if not path.startswith(("/dev/", "/proc/")) and "__pycache__" not in path:
                self.step(f"open {path}")
        elif event in CHANGES:
            # rmtree deletes file by file, relative to an open directory: its first deletion stands for all.
            was, self.inside = self.inside, event in ("os.remove", "os.rmdir") and args[1] != -1
            if not (was and self.inside):
                self.step(f"{event} {args[0]!s}")

    def around(self, name: str, function: Callable[..., Any], *, after: bool = True) -> Callable[..., Any]:
        """Make a step before a call that no event tells, and one after it."""

        def called(*args: Any, **named: Any) -> Any:
            self.step(name)
            result = function(*args, **named)
            if after:
                self.step(f"after {name}")
            return result

        return called


WITH_PYGIT2 = "with-pygit2"
"""A file in .git that says that the command finds pygit2 loaded, as in a process that lives long."""


def _hurt(fault: Fault, with_pygit2: bool) -> None:
    from git_agent.store.sqlite import Database

    if with_pygit2:
        _hurt_pygit2(fault)
    Database._commit = staticmethod(fault.around("store commit", Database._commit))  # type: ignore[method-assign]
    sys.addaudithook(fault.audit)


def _hurt_pygit2(fault: Fault) -> None:
    import pygit2

    for name in ("create_reference_direct", "add_worktree"):
        setattr(pygit2.Repository, name, fault.around(f"pygit2 {name}", getattr(pygit2.Repository, name)))


def _hurry(limit: float) -> None:
    """Wait for no lock as long as a user does: nobody holds one for long but who was stopped."""
    from git_agent.git import locks
    from git_agent.store import sqlite

    held = locks._locked
    sqlite.BUSY_LIMIT_S = limit
    locks._locked = lambda repo, name, doing, timeout: held(repo, name, doing, min(timeout, limit))


def _command(order: dict[str, Any], report: int) -> None:
    from git_agent.cli import main
    from git_agent.runtime import background

    background.close_inherited_files = lambda: None  # one of them is `report`
    _hurry(order["patience"])
    os.chdir(order["cwd"])
    for number, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout, sys.stderr = (io.TextIOWrapper(io.FileIO(n, "w", closefd=False), encoding="utf-8") for n in (1, 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    fault = Fault(order["how"], order["at"], report)
    _hurt(fault, os.path.exists(os.path.join(order["cwd"], ".git", WITH_PYGIT2)))
    sys.argv = ["git-agent", *order["argv"]]
    code: Any = 70
    try:
        main.run()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    fault.on = False
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(code or 0))


def _serve(order: dict[str, Any]) -> dict[str, Any]:
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        os.setsid()
        _command(order, outlet)
    os.close(outlet)
    return _ended(child, inlet)


def _ended(child: int, inlet: int) -> dict[str, Any]:
    """Wait until a command has ended, or stopped: then it can be continued by its pid and the pipe of its steps."""
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        return {"pid": child, "told": inlet, "code": None, "struck": []}
    with open(inlet, encoding="utf-8", errors="replace") as told:
        struck = told.read().splitlines()
    return {"code": os.waitstatus_to_exitcode(status), "struck": struck}


def _continue(order: dict[str, Any]) -> dict[str, Any]:
    os.kill(order["pid"], signal.SIGCONT)
    return _ended(order["pid"], order["told"])


if __name__ == "__main__":
    load()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_continue(asked) if "pid" in asked else _serve(asked)), flush=True)
