"""Verbs that wait wake up at most twice a second while nothing happens, and notice soon when something does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.following import following
from tests.faults.world import Worlds
from tests.hooks.crowd import eventually
from tests.sandbox import Sandbox

WINDOW_S = 3.0
MOST = 2 * WINDOW_S  # wake-ups in that time
pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")


def _spawned(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")


@pytest.fixture
def spawned(repo: Sandbox, worlds: Worlds) -> Sandbox:
    """Return a repository with one task."""
    return worlds.lend(repo, _spawned)


@contextmanager
def _waiting(repo: Sandbox, *words: str) -> Iterator[int]:
    """Have a verb wait beside the block; yield its pid."""
    no = subprocess.DEVNULL
    with subprocess.Popen(["git-agent", *words], cwd=repo.path, stdin=no, stdout=no, stderr=no) as process:
        try:
            yield process.pid
            assert process.poll() is None, "it has ended"
        finally:
            process.kill()


def _wake_ups(pid: int) -> int:
    """Count how often the threads of a process have waited for something so far."""
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        said = dict(line.split(":", 1) for line in status.read_text().splitlines())
        found += int(said["voluntary_ctxt_switches"])
    return found


def _rests(pid: int) -> bool:
    before = _wake_ups(pid)
    time.sleep(WINDOW_S)
    return _wake_ups(pid) - before <= MOST


def _until_it_rests(pid: int) -> None:
    eventually(lambda: _rests(pid), lambda: "it wakes up more than twice a second")


@pytest.mark.parametrize(
    "words",
    [
        ("watch",),
        ("inbox", "--wait"),
        ("tail", "news", "--follow"),
        ("claim", "--wait"),
        ("heartbeat", "1", "--while-pid", "1"),
    ],
    ids=" ".join,
)
def test_who_waits_wakes_up_at_most_twice_a_second(spawned: Sandbox, words: tuple[str, ...]) -> None:
    with _waiting(spawned, *words) as pid:
        _until_it_rests(pid)


def test_who_follows_a_log_wakes_up_at_most_twice_a_second(spawned: Sandbox) -> None:
    spawned.agent("run", "1", "--detach", "--", "sleep", "300")
    try:
        with _waiting(spawned, "logs", "1", "--follow") as pid:
            _until_it_rests(pid)
    finally:
        spawned.agent("stop", "1")


def test_a_watch_that_rests_notices_a_commit_a_branch_and_a_note(spawned: Sandbox) -> None:
    worktree = Path(spawned.agent("path", "1").out.strip())
    with following(spawned, "--json", "--since", "2") as watch:
        _until_it_rests(watch.process.pid)
        spawned.commit(worktree, "a.txt", "one\n")  # no hook starts a look: GIT_AGENT_HOOKS=0
        assert watch.event()["kind"] == "task.started"
        _until_it_rests(watch.process.pid)
        spawned.git("fetch", "--quiet", ".", "agent/1-fix-login:refs/remotes/origin/agent/1-fix-login")
        assert watch.event()["kind"] == "task.pushed"
