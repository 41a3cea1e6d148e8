"""A repository that can be put back as it was, and the driver that hurts commands in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.sandbox import Result, Sandbox

DRIVER = Path(__file__).with_name("kill_at.py")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Hurt:
    """How a hurt command ended. struck: the steps that were hit, none when it ended before its turn."""

    result: Result
    struck: tuple[str, ...]


class Driver:
    """The process that runs hurt commands."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def hurt(self, sandbox: Sandbox, argv: tuple[str, ...], how: str, at: int, cwd: Path | None = None) -> Hurt:
        """Run `git agent argv` and strike at its n-th step, the first being 1.

        how: kill, term, interrupt; io and full fail one step, filled all from there on; count only tells the steps.
        """
        out, err = (sandbox.path.parent / name for name in ("hurt.out", "hurt.err"))
        order = {"argv": argv, "cwd": str(cwd or sandbox.path), "how": how, "at": at, "out": str(out), "err": str(err)}
        told = self._ask(order)
        texts = [path.read_text(errors="backslashreplace") if path.exists() else "" for path in (out, err)]
        for path in (out, err):
            path.unlink(missing_ok=True)
        shown = f"git agent {' '.join(argv)}   # {how} at step {at}: {told['struck'][:1]}"
        return Hurt(Result(shown, texts[0], texts[1], told["code"]), tuple(told["struck"]))

    def run(self, sandbox: Sandbox, *argv: str) -> Hurt:
        """Run `git agent argv` unhurt; struck names its steps."""
        return self.hurt(sandbox, argv, "count", 0)

    def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


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
        shutil.copytree(self._root, self._kept, symlinks=True)

    def put_back(self) -> None:
        """Make everything as it was; paths stay the same, since worktrees name each other by absolute paths."""
        shutil.rmtree(self._root)
        shutil.copytree(self._kept, self._root, symlinks=True)
