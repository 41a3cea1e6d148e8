"""A repository that can be put back as it was, and the driver that hurts commands in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.copying import copied, put_back
from tests.sandbox import Result, Sandbox

DRIVER = Path(__file__).with_name("kill_at.py")
ROOT = Path(__file__).parents[2]
PATIENCE_S = 1.0  # how long a hurt command waits for the store, in place of 30 s: nobody holds it but who was stopped


@dataclass(frozen=True)
class Hurt:
    """How a hurt command ended. struck: the steps that were hit, none when it ended before its turn."""

    result: Result
    struck: tuple[str, ...]


@dataclass(frozen=True)
class Stopped:
    """A command that stands still: what goes on with it is its driver's to say."""

    pid: int
    told: int
    shown: str
    outputs: tuple[Path, Path]


class Driver:
    """The process that runs hurt commands."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._number = 0

    def hurt(self, sandbox: Sandbox, argv: tuple[str, ...], how: str, at: int, cwd: Path | None = None) -> Hurt:
        """Run `git agent argv` and strike at its n-th step, the first being 1.

        how: kill, term, interrupt; io and full fail one step, filled all from there on; count only tells the steps.
        """
        outputs, told = self._order(sandbox, argv, how, at, cwd)
        return _ended(outputs, f"git agent {' '.join(argv)}   # {how} at step {at}", told)

    def run(self, sandbox: Sandbox, *argv: str, cwd: Path | None = None) -> Hurt:
        """Run `git agent argv` unhurt; struck names its steps."""
        return self.hurt(sandbox, argv, "count", 0, cwd)

    def stop(self, sandbox: Sandbox, argv: tuple[str, ...], at: int) -> Stopped | Hurt:
        """Run `git agent argv` until its n-th step and let it stand still there; a Hurt when it ended before."""
        outputs, told = self._order(sandbox, argv, "stop", at, None)
        shown = f"git agent {' '.join(argv)}   # stopped at step {at}"
        return Stopped(told["pid"], told["told"], shown, outputs) if "pid" in told else _ended(outputs, shown, told)

    def go_on(self, stopped: Stopped) -> Hurt:
        """Let a stopped command go on to its end."""
        told = self._ask({"pid": stopped.pid, "told": stopped.told})
        return _ended(stopped.outputs, stopped.shown, told)

    def _order(
        self, sandbox: Sandbox, argv: tuple[str, ...], how: str, at: int, cwd: Path | None
    ) -> tuple[tuple[Path, Path], dict[str, Any]]:
        self._number += 1
        out, err = (sandbox.path.parent / f"hurt{self._number}.{name}" for name in ("out", "err"))
        order = {"argv": argv, "cwd": str(cwd or sandbox.path), "how": how, "at": at, "patience": PATIENCE_S}
        return (out, err), self._ask({**order, "out": str(out), "err": str(err)})

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


def _ended(outputs: tuple[Path, Path], shown: str, told: dict[str, Any]) -> Hurt:
    texts = [path.read_text(errors="backslashreplace") if path.exists() else "" for path in outputs]
    for path in outputs:
        path.unlink(missing_ok=True)
    return Hurt(Result(f"{shown}: {told['struck'][:1]}", *texts, told["code"]), tuple(told["struck"]))


@contextmanager
def driver(log: IO[str]) -> Iterator[Driver]:
    """Start the driver, and end it."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(DRIVER)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=env
    ) as process:
        yield Driver(process)
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()


class World:
    """A repository in a directory of its own that can be put back as it was when it was made."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._root = sandbox.path.parent
        self._kept = self._root.with_name(f"{self._root.name}.kept")

    def keep(self) -> None:
        """Remember everything as it is now; no command may be running."""
        shutil.rmtree(self._kept, ignore_errors=True)
        copied(self._root, self._kept)

    def put_back(self) -> None:
        """Make everything as it was; paths stay the same, since worktrees name each other by absolute paths."""
        put_back(self._kept, self._root)


class Worlds:
    """The prepared worlds of a test session: what several scenes begin with is made once."""

    def __init__(self, template: Path, home: Path) -> None:
        self._template, self._home = template, home
        self._made: dict[Callable[[Sandbox], object], World] = {}

    def lend(self, repo: Sandbox, prepare: Callable[[Sandbox], object]) -> Sandbox:
        """Let a test's repository be a prepared one, as it was when it was made; return it."""
        repo.path = self.prepared(prepare).sandbox.path
        return repo

    def prepared(self, prepare: Callable[[Sandbox], object]) -> World:
        """Return a world as `prepare` makes it of a fresh repository."""
        if prepare in self._made:
            self._made[prepare].put_back()
        else:
            root = self._home / f"{len(self._made)}-{prepare.__name__.strip('_')}"
            root.mkdir()
            sandbox = Sandbox(copied(self._template, root / "my repo"))
            prepare(sandbox)
            self._made[prepare] = World(sandbox)
            self._made[prepare].keep()
        return self._made[prepare]
