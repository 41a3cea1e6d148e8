"""A repository with hooks, a forge and workers, in which hooks start what they start for users: background looks.

What comes of it is waited for, and read from the store without any command of ours, which would bring it about itself.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import World
from tests.hooks.newer_git import either
from tests.hooks.newer_git import newer_git as newer_git
from tests.processes import inside as processes
from tests.sandbox import Result, Sandbox, copied
from tests.tables import ask

PATIENCE = 20.0  # seconds
BRANCH, SECOND = "agent/1-fix-login", "agent/2-add-logout"
LATER = {"GIT_AGENT_HOOKS": "0"}  # noted, not looked at: to prepare what a test is about


def eventually(check: Callable[[], object], what: Callable[[], object], within: float = PATIENCE) -> None:
    """Wait until something holds; say how things are instead when it does not come."""
    end = time.monotonic() + within
    while not check():
        assert time.monotonic() < end, what()
        time.sleep(0.02)


def query(store: Path, sql: str) -> list[dict[str, Any]]:
    """Ask a store with no command of ours; store: the directory git-agent."""
    return ask(store / "agent.db", sql)


@dataclass(frozen=True)
class Scene:
    """A repository on `main`, which follows a forge; task 1 is WORKING with two commits, task 2 ASSIGNED with none."""

    root: Path
    sandbox: Sandbox
    forge: Sandbox

    @property
    def agent(self) -> Path:
        """Return the store's directory."""
        return self.sandbox.path / ".git/git-agent"

    @property
    def worker(self) -> Path:
        """Return the worktree of task 1."""
        return self.sandbox.path.with_name("my repo.worktrees") / "1-fix-login"

    @property
    def second(self) -> Path:
        """Return the worktree of task 2."""
        return self.worker.with_name("2-add-logout")

    def later(self, *args: str, cwd: Path | None = None) -> Result:
        """Run git; what the hooks note stays to be looked at."""
        return self.sandbox.run("git", *args, cwd=cwd, env=LATER)

    def add(self, cwd: Path | None, name: str, text: str) -> None:
        """Commit a file; what the hooks note stays to be looked at."""
        self.sandbox.write(name, text, cwd=cwd)
        assert self.later("add", "--", name, cwd=cwd).code == 0
        done = self.later("commit", "--quiet", "--message", f"Change {name}", cwd=cwd)
        assert done.code == 0, done

    def state(self, task: int = 1) -> str:
        """Return a task's state as the store has it."""
        return str(query(self.agent, f"select state from task where id = {task}")[0]["state"])

    def kinds(self, task: int = 1) -> list[str]:
        """Return the kinds of a task's events in their order."""
        rows = query(self.agent, f"select kind from event where task = {task} order by seq")
        return [str(row["kind"]) for row in rows]

    def spool(self) -> list[str]:
        """Return the names of the notes."""
        return sorted(file.name for file in (self.agent / "spool").iterdir())

    def looks(self) -> list[int]:
        """Return the processes that look at git in the background."""
        return [pid for pid, line in processes(self.root).items() if line.endswith("sync --background")]

    def becomes(self, state: str, task: int = 1) -> None:
        """Wait until a task is in a state, with no command of ours."""
        eventually(lambda: self.state(task) == state, lambda: f"task {task}: {self.state(task)}, {self.told()}")

    def settles(self, *, spool: Sequence[str] = ()) -> None:
        """Wait until no process is left, and nothing in the spool but these notes."""
        eventually(lambda: not processes(self.root) and self.spool() == list(spool), self.told)

    def told(self) -> str:
        """Describe what is left, for a failure."""
        return f"spool {self.spool()}, processes {processes(self.root)}, events {self.kinds()}"

    def clone(self) -> Sandbox:
        """Return another clone of the forge, somebody else's."""
        other = Sandbox(self.root / "other")
        self.sandbox.git("clone", "--quiet", str(self.forge.path), str(other.path))
        return other


def made(repository: Sandbox, root: Path) -> Scene:
    """Make a scene of a repository that stands in root."""
    scene = Scene(root, repository, Sandbox(root / "forge.git"))
    repository.git("init", "--quiet", "--bare", str(scene.forge.path))
    repository.git("remote", "add", "origin", str(scene.forge.path))
    repository.git("push", "--quiet", "--set-upstream", "origin", "main")
    repository.agent("init")
    repository.agent("spawn", "Fix login")
    scene.add(scene.worker, "login.py", "one\n")
    scene.add(scene.worker, "login.py", "one\ntwo\n")
    repository.agent("spawn", "Add logout")
    repository.agent("list")
    scene.settles()
    assert (scene.state(1), scene.state(2)) == ("WORKING", "ASSIGNED")
    return scene


@pytest.fixture(scope="session")
def scenes(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Scene, World]]:
    """Return what makes a scene, once for each kind of git; it can be put back as it was."""
    kept: dict[str, tuple[Scene, World]] = {}

    def get(kind: str) -> tuple[Scene, World]:
        if kind not in kept:
            root = Path(os.path.realpath(tmp_path_factory.mktemp(f"scene-{kind}"))) / "here"
            root.mkdir()
            repository = Sandbox(copied(template, root / "my repo"))
            kept[kind] = made(repository, root), World(repository)
            kept[kind][1].keep()
        return kept[kind]

    return get


@pytest.fixture(params=either("machine", "newer"))
def scene(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    scenes: Callable[[str], tuple[Scene, World]],
) -> Iterator[Scene]:
    """Return a fresh scene, with the machine's git and with one that runs hooks from its configuration."""
    monkeypatch.delenv("GIT_AGENT_HOOKS")
    if request.param == "newer":
        monkeypatch.setenv("PATH", request.getfixturevalue("newer_git"))
    found, world = scenes(request.param)
    world.put_back()
    yield found
    eventually(lambda: not processes(found.root), found.told)


@dataclass
class Held:
    """Who held a lock, sampled. pids: all that ever did; most: how many at once; files: how many files it was."""

    pids: set[int] = field(default_factory=set)
    files: set[int] = field(default_factory=set)
    most: int = 0


@contextmanager
def watched(path: Path) -> Iterator[Held]:
    """Watch who holds flock(2) on a file while the block runs, as /proc/locks says."""
    held, over = Held(), threading.Event()

    def sample() -> None:
        while not over.wait(0.002):
            with suppress(OSError):
                _sample(path, held)

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        yield held
    finally:
        over.set()
        watcher.join()


def _sample(path: Path, held: Held) -> None:
    inode = path.stat().st_ino
    held.files.add(inode)
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "FLOCK" in line]
    now = {int(w[4]) for w in lines if w[1] == "FLOCK" and w[5].rpartition(":")[2] == str(inode)}
    held.pids |= now
    held.most = max(held.most, len(now))


def start(*words: str | Path, cwd: Path) -> subprocess.Popen[bytes]:
    """Start a program without waiting for it; its outputs are thrown away."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen([str(word) for word in words], cwd=cwd, stdin=quiet, stdout=quiet, stderr=quiet)
