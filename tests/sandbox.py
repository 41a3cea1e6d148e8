"""A throwaway repository, and the real `git agent` run in it: tests act and look through this; no mocks."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar

from tests.copying import copied as copied
from tests.warm import Warm, status

TIMEOUT = 90  # seconds; below pytest's own, so that a hang is reported with the command that hung


@dataclass(frozen=True)
class Result:
    """What a program said and how it ended."""

    command: str
    out: str
    err: str
    code: int

    def json(self) -> Any:
        """Parse stdout as one JSON document; fail with both outputs when it is not."""
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise AssertionError(f"not JSON ({error})\n{self}") from None

    def __str__(self) -> str:
        return f"$ {self.command}\nexit {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


def run_at_once(
    commands: Iterable[Sequence[str | Path]],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
) -> list[Result]:
    """Start every command before waiting for any; return their results in the order given.

    Outputs go to files, so that no full pipe can stop a process while another one is waited for. `git agent` is forked
    warm, unless PATH is given.
    """
    with ExitStack() as stack:
        running = []
        for command in commands:
            words = [str(word) for word in command]
            out = stack.enter_context(tempfile.TemporaryFile())
            err = stack.enter_context(tempfile.TemporaryFile())
            running.append((_started(words, cwd or Path(), env or {}, out, err, stack), " ".join(words), out, err))
        codes = [code() for code, *_ in running]
        return [
            Result(shown, _text(out), _text(err), n) for n, (_, shown, out, err) in zip(codes, running, strict=True)
        ]


def _started(
    words: list[str], cwd: Path, env: Mapping[str, str | None], out: IO[bytes], err: IO[bytes], stack: ExitStack
) -> Callable[[], int]:
    """Start a command, warm or by itself; return what waits for its end."""
    warm = Sandbox.warm if "PATH" not in env else None
    whole = _environment({"PATH": f"{warm.directory}:{os.environ['PATH']}", **env} if warm else env)

    def cold() -> Callable[[], int]:
        process = subprocess.Popen(words, cwd=cwd, env=whole, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        stack.callback(process.kill)
        return lambda: process.wait(timeout=TIMEOUT)

    args = words[2:] if words[:2] == ["git", "agent"] else words[1:] if words[0] == "git-agent" else None
    if warm is None or args is None or "--help" in args:  # which git answers itself
        return cold()
    null = os.open(os.devnull, os.O_RDONLY)
    stack.callback(os.close, null)
    there = warm.order(args, str(cwd.absolute()), whole, (null, out.fileno(), err.fileno()))
    if there is None:
        return cold()
    stack.enter_context(there).settimeout(TIMEOUT)

    def code() -> int:
        told = status(b"".join(iter(lambda: there.recv(64), b"")))
        return cold()() if told is None else told

    return code


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="backslashreplace")


def _environment(changes: Mapping[str, str | None] | None) -> dict[str, str]:
    """Return this process's environment with `changes`; None takes a variable away."""
    merged: dict[str, str | None] = {**os.environ, **(changes or {})}
    return {name: value for name, value in merged.items() if value is not None}


def _head(worktree: Path) -> str | None:
    """Read which commit is checked out, without a process; None where HEAD or its branch is no plain file."""
    try:
        directory = worktree / ".git"
        if directory.is_file():
            directory = worktree / os.fsdecode(directory.read_bytes()).removeprefix("gitdir: ").rstrip("\n")
        common = directory.parents[1] if directory.parent.name == "worktrees" else directory
        head = os.fsdecode((directory / "HEAD").read_bytes()).strip()
        oid = (common / head.removeprefix("ref: ")).read_text().strip() if head.startswith("ref: ") else head
    except OSError:
        return None
    return oid if len(oid) in (40, 64) else None


class Sandbox:
    """A repository of its own for one test, at `path`; `cwd` is the main worktree when left out."""

    warm: ClassVar[Warm | None] = None

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def store(self) -> Path:
        """Return where the store is; whether it exists is the test's question."""
        if (self.path / ".git/HEAD").is_file():
            return self.path.resolve() / ".git/git-agent/agent.db"
        common = self.git("rev-parse", "--path-format=absolute", "--git-common-dir")
        return Path(common) / "git-agent" / "agent.db"

    def worktree(self, task: int) -> Path:
        """Find the worktree of a task's first attempt, where tasks have them by default."""
        return min((self.path.parent / f"{self.path.name}.worktrees").glob(f"{task}-*"))

    def run(
        self,
        *command: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
    ) -> Result:
        """Run any program; never fails by itself. `env` is laid over the sealed environment, None unsets."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words,
            cwd=cwd or self.path,
            env=_environment(env),
            input=(stdin or "").encode(),
            capture_output=True,
            timeout=TIMEOUT,
        )
        out, err = (stream.decode(errors="backslashreplace") for stream in (done.stdout, done.stderr))
        return Result(" ".join(words), out, err, done.returncode)

    def git(self, *args: str | Path, cwd: Path | None = None, check: bool = True) -> str:
        """Run git; return its stdout without the last newline. Fail when git fails, unless `check` is off."""
        result = self.run("git", *args, cwd=cwd)
        assert result.code == 0 or not check, f"git failed\n{result}"
        return result.out.rstrip("\n")

    def agent(
        self,
        *args: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: str | None = None,
        exit: int | None = 0,
    ) -> Result:
        """Run the real `git agent`, in a process that is forked warm; fail unless it ends with `exit` (None: any)."""
        result = self._warm(*map(str, args), cwd=cwd, env=env, stdin=stdin)
        if result is None:
            result = self.run("git", "agent", *args, cwd=cwd, env=env, stdin=stdin)
        assert exit is None or result.code == exit, f"expected exit {exit}\n{result}"
        return result

    def _warm(
        self, *args: str, cwd: Path | None, env: Mapping[str, str | None] | None, stdin: str | None
    ) -> Result | None:
        if self.warm is None:
            return None
        given = (stdin or "").encode()
        ended = self.warm.run(args, str(cwd or self.path), _environment(env), given, TIMEOUT)
        if ended is None:
            return None
        code, *texts = ended
        out, err = (text.decode(errors="backslashreplace") for text in texts)
        return Result(" ".join(("git agent", *args)), out, err, code)

    def agent_json(self, verb: str, *args: str | Path, cwd: Path | None = None, exit: int | None = 0) -> Any:
        """Run `git agent VERB --json ...` and return the object that it printed."""
        return self.agent(verb, "--json", *args, cwd=cwd, exit=exit).json()

    def tasks(self) -> dict[int, dict[str, Any]]:
        """Return every task, finished ones too, by id, as `list --json` says them."""
        return {task["id"]: task for task in self.agent_json("list", "--all")["tasks"]}

    def parallel(
        self,
        commands: Iterable[Sequence[str | Path]],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> list[Result]:
        """Run many `git agent ...` at once, a process each; return the results in the order given."""
        words = [("git", "agent", *command) for command in commands]
        return run_at_once(words, cwd=cwd or self.path, env=env)

    def write(self, path: str | Path, content: str | bytes, *, cwd: Path | None = None) -> Path:
        """Write a file, with the directories that it needs; return where it is."""
        file = (cwd or self.path) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def commit(self, cwd: Path | None, path: str | Path, content: str | bytes, message: str = "Change a file") -> str:
        """Write one file in `cwd` (None: the main worktree) and commit it alone; return the commit's oid."""
        self.write(path, content, cwd=cwd)
        self.git("add", "--", path, cwd=cwd)
        self.git("commit", "--quiet", "--message", message, cwd=cwd)
        return _head(cwd or self.path) or self.git("rev-parse", "HEAD", cwd=cwd)
