"""A repository in which agents run, and what can be seen of them with no command of ours."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import Worlds
from tests.hooks.crowd import eventually as eventually
from tests.hooks.crowd import processes as processes
from tests.hooks.crowd import query
from tests.sandbox import TIMEOUT, Sandbox

WORK = "echo x >>work && git add work && git commit --quiet --message Work"


def until(path: str | Path) -> str:
    """Return a piece of shell that waits until a file is there, by its path from the worktree."""
    return f"until [ -e '{path}' ]; do sleep 0.05; done"


def state(pid: int) -> str:
    """Return a process's state as the kernel has it: R, S, D, T, Z."""
    return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(") ")[2].split()[0]


@dataclass
class Stage:
    """A repository with tasks; `box` runs commands. beats are quick, so that leases are short."""

    box: Sandbox
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def agent(self) -> Path:
        """Return the store's directory."""
        return self.box.path / ".git/git-agent"

    def spawn(self, title: str = "Fix login") -> Path:
        """Make a task with a worktree; return that."""
        return Path(self.box.agent("spawn", title).out.strip())

    def task(self, task: int = 1) -> dict[str, Any]:
        """Read a task as the store has it."""
        return query(self.agent, f"select * from task where id = {task}")[0]

    def where(self, task: int = 1) -> tuple[str, str | None]:
        """Return state and hold."""
        row = self.task(task)
        return row["state"], row["hold"]

    def lease(self, task: int = 1) -> dict[str, Any] | None:
        """Read a task's lease."""
        return next(iter(query(self.agent, f"select * from lease where task = {task}")), None)

    def session(self, task: int = 1) -> dict[str, Any]:
        """Read a task's newest session."""
        return query(self.agent, f"select * from session where task = {task} order by id desc limit 1")[0]

    def kinds(self, task: int = 1) -> list[str]:
        """List the kinds of a task's events."""
        return [row["kind"] for row in query(self.agent, f"select kind from event where task = {task} order by seq")]

    def log(self, task: int = 1, attempt: int = 1) -> str:
        """Read what was kept of an attempt's output."""
        path = self.agent / "logs" / f"{task}.{attempt}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, *words: str | Path, env: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[bytes]:
        """Start `git-agent` itself, not through git, so that the pid is the supervisor's."""
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen(
            ["git-agent", *map(str, words)], cwd=self.box.path, env={**os.environ, **(env or {})}, **given
        )
        self.started.append(process)
        return process

    def run(self, script: str, task: int = 1, **more: Any) -> subprocess.Popen[bytes]:
        """Start a supervisor whose agent is a shell script, and wait until the script says `ready`."""
        process = self.start("run", str(task), "--", "sh", "-c", script, **more)
        eventually(lambda: "ready" in self.log(task) or process.poll() is not None, lambda: self.log(task))
        return process

    def ended(self, process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
        """Wait for a process; return its exit code and what it said."""
        out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")

    def left(self) -> dict[int, str]:
        """Map the processes that stand in the repository or in a worktree to their command lines."""
        return processes(Path(os.path.realpath(self.box.path.parent)))

    def kill_left(self) -> dict[int, str]:
        """Kill the processes that are left; return them."""
        left = self.left()
        for pid in left:
            with suppress(ProcessLookupError):  # it may end by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        return left

    def none_left(self) -> None:
        """Wait until no process is left."""
        eventually(lambda: not self.left(), self.left)


def _set(repo: Sandbox) -> None:
    repo.git("config", "agent.beat", "0.2s")
    repo.agent("init", "--no-hooks")


@pytest.fixture
def stage(repo: Sandbox, worlds: Worlds) -> Iterator[Stage]:
    """Return a repository with a store and beats of a fifth of a second; what a test leaves running is ended."""
    made = Stage(worlds.lend(repo, _set))
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    # The next test gets the same directories: nothing may still write there.
    eventually(lambda: not made.kill_left(), made.left)
