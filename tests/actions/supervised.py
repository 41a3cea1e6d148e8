"""Supervised workers for tests: real processes, recorded in the store as `git agent run` records them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from git_agent.proc import processes
from tests.sandbox import Sandbox
from tests.store.children import run
from tests.tables import execute

_BEGIN = """
from git_agent.domain.process_id import ProcessId
from git_agent.store import sessions
store = Store.open(sys.argv[1], create=False)
task, token, supervisor, child = json.loads(sys.argv[2])
with store.transaction():
    now = store.tasks.get(task)
    session = store.sessions.begin(
        task=task, attempt=now.attempt, epoch=now.epoch, owner=ProcessId(*supervisor), token=token,
                             agent=None, command="agent", lease_s=120)
    store.sessions.lead(session, ProcessId(*child))
    store.leases.take(task, "run", 120, session=session)
say(session)
"""


@dataclass
class Supervised:
    """A worker: its supervisor, the leader of its command's group, and the session's id."""

    supervisor: subprocess.Popen[bytes]
    child: subprocess.Popen[bytes]
    secret: str
    session: int

    def kill_supervisor(self) -> None:
        """Kill the supervisor, as a crash or the kernel does; its command goes on."""
        self.supervisor.kill()
        self.supervisor.wait()

    def child_ended(self, within_s: float = 5.0) -> bool:
        """Tell whether the command has ended, or does soon."""
        until = time.monotonic() + within_s
        while self.child.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        return self.child.poll() is not None


def supervise(repo: Sandbox, task: int, stack: ExitStack) -> Supervised:
    """Start a supervisor and a command for a task, and record them with a fresh lease of kind run."""
    secret = f"secret {os.urandom(8).hex()}"
    supervisor = subprocess.Popen(["sleep", "1000"])
    env = {**os.environ, "GIT_AGENT_TOKEN": secret}
    child = subprocess.Popen(["sh", "-c", "sleep 1000 & wait"], process_group=0, env=env)
    stack.callback(_clear, supervisor, child)
    token = hashlib.sha256(secret.encode()).hexdigest()
    owners = [processes.describe(p.pid) for p in (supervisor, child)]
    said = run(_BEGIN, repo.store.parent, json.dumps([task, token, *owners]))
    return Supervised(supervisor, child, secret, int(said))


def _clear(*started: subprocess.Popen[bytes]) -> None:
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def sql(repo: Sandbox, text: str, *values: Any) -> list[list[Any]]:
    """Run one statement on the store, as any program could; return its rows."""
    return execute(repo.store, text, *values)


def age(repo: Sandbox, task: int, seconds: float, *, missed_s: float | None = None) -> None:
    """Let a lease have begun so many seconds earlier; missed_s: and have been seen expired that many seconds ago."""
    ms, now = int(seconds * 1000), int(time.time() * 1000)
    columns = "beat_at = beat_at - ?, progress_at = progress_at - ?, expires_at = expires_at - ?, missed_at = ?"
    missed = None if missed_s is None else now - int(missed_s * 1000)
    sql(repo, f"UPDATE lease SET {columns} WHERE task = ?", ms, ms, ms, missed, task)
    sql(repo, "UPDATE meta SET value = json_set(value, '$[3]', 0) WHERE key LIKE 'clocks:%'")


def settle(repo: Sandbox) -> None:
    """Let all worktrees look as if nobody worked in them for days."""
    old = time.time() - 400_000
    beats, trees = repo.store.parent / "beat", repo.path.with_name(f"{repo.path.name}.worktrees")
    for place in (repo.path / ".git" / "worktrees", beats, trees):
        for path in place.rglob("*"):
            os.utime(path, (old, old), follow_symlinks=False)
