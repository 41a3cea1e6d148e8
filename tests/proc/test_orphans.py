"""proc/orphans, with real processes and real signals: it ends what belongs to the worker, and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from git_agent.domain.process_id import ProcessId
from git_agent.proc import orphans, processes

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc here")

SECRET = f"secret of test process {os.getpid()}"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a shell script, and waits for its first line; all groups end with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, *, token: bool = False) -> subprocess.Popen[str]:
        env = {**os.environ, **({"GIT_AGENT_TOKEN": SECRET} if token else {})}
        words = ["sh", "-c", script]
        made = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, process_group=0
        )
        started.append(made)
        assert made.stdout is not None
        assert made.stdout.readline() == "ready\n"
        return made

    yield run
    for each in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(each.pid, signal.SIGKILL)
        each.communicate()


def described(process: subprocess.Popen[str]) -> ProcessId:
    found = processes.describe(process.pid)
    assert found is not None
    return found


def gone(pid: int, within_s: float = 5.0) -> bool:
    until = time.monotonic() + within_s
    while processes.is_running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not processes.is_running(pid)


def end_leader(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go on\n")
    worker.stdin.flush()


def child_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_where_nothing_is_left_nothing_is_waited_for(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = start("echo ready; read -r line")
    group = described(worker)
    end_leader(worker)
    worker.wait()
    monkeypatch.setattr(orphans.time, "sleep", lambda seconds: pytest.fail(f"slept {seconds} s"))
    assert not orphans.end_orphans(group, DIGEST)


def test_a_group_ends_with_all_its_members(start: Start) -> None:
    worker = start("sleep 100 & echo ready; echo $!; wait")
    child = child_of(worker)
    assert orphans.end_orphans(described(worker), None)
    assert gone(child) and worker.wait(5) == -signal.SIGTERM


def test_who_ignores_sigterm_is_killed_after_the_grace(start: Start) -> None:
    worker = start("trap '' TERM; echo ready; while :; do sleep 0.1; done")
    began = time.monotonic()
    assert orphans.end_orphans(described(worker), None, grace_s=0.3)
    assert worker.wait(5) == -signal.SIGKILL
    assert time.monotonic() - began >= 0.3


def test_a_stopped_one_hears_sigterm_at_once(start: Start) -> None:
    worker = start("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done")
    os.kill(worker.pid, signal.SIGSTOP)
    assert orphans.end_orphans(described(worker), None, grace_s=5)
    assert worker.wait(5) == 7


def test_a_group_whose_leader_is_a_zombie_is_still_the_recorded_one(start: Start) -> None:
    worker = start("sleep 100 & echo ready; echo $!; read -r line")
    group, child = described(worker), child_of(worker)
    end_leader(worker)
    assert gone(worker.pid) and processes.is_running(child)  # ended, and nobody waited for it
    assert orphans.end_orphans(group, None)
    assert gone(child)


def test_without_its_leader_a_group_is_known_by_a_member_with_the_token(start: Start) -> None:
    # The second child has an environment of its own: it is ended as a member of the group.
    worker = start("echo ready; sleep 100 & echo $!; env -i sleep 100 & echo $!; read -r line", token=True)
    group = described(worker)
    with_token, without = child_of(worker), child_of(worker)
    end_leader(worker)
    worker.wait(5)
    assert processes.read_process(worker.pid) is None and processes.is_running(without)
    assert orphans.end_orphans(group, DIGEST)
    assert gone(with_token) and gone(without)


def test_a_group_without_its_leader_and_without_the_token_may_be_a_strangers(start: Start) -> None:
    worker = start("sleep 100 & echo ready; echo $!; read -r line")
    group, child = described(worker), child_of(worker)
    end_leader(worker)
    worker.wait(5)
    assert not orphans.end_orphans(group, DIGEST)
    assert processes.is_running(child)
    os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize(
    "change",
    [{"pid_start": 1}, {"boot_id": "another boot"}, {"pid_namespace": "pid:[1]"}, {"machine": None, "host": "another"}],
    ids=lambda c: next(iter(c)),
)
def test_a_stranger_with_the_recorded_pid_is_left_alone(start: Start, change: dict[str, object]) -> None:
    stranger = start("sleep 100 & echo ready; echo $!; wait")
    child = child_of(stranger)
    group = described(stranger)._replace(**change)  # type: ignore[arg-type]
    assert not orphans.end_orphans(group, DIGEST)
    assert processes.is_running(stranger.pid) and processes.is_running(child)


def test_who_carries_the_token_is_ended_in_whatever_group_and_session(start: Start) -> None:
    worker = start("setsid sh -c 'echo ready; echo $$; exec sleep 100' & wait", token=True)
    child = child_of(worker)
    assert os.getpgid(child) != worker.pid
    assert orphans.end_orphans(None, DIGEST)
    assert gone(child) and gone(worker.pid)


def test_another_token_is_somebody_elses(start: Start) -> None:
    worker = start("echo ready; exec sleep 100", token=True)
    assert not orphans.end_orphans(None, hashlib.sha256(b"another").hexdigest())
    assert processes.is_running(worker.pid)


def test_who_asks_and_who_started_it_are_spared() -> None:
    code = (
        "import os, subprocess, sys, hashlib\n"
        "from git_agent.proc import processes, orphans\n"
        "token = hashlib.sha256(os.environ['GIT_AGENT_TOKEN'].encode()).hexdigest()\n"
        "other = subprocess.Popen(['sleep', '100'])\n"
        "was = orphans.end_orphans(processes.describe(os.getpgrp()), token)\n"
        "print(was, other.wait(5), os.getppid())\n"
    )
    script = f'echo "$$"; {sys.executable} -c "$CODE"; echo "still here"'
    env = {**os.environ, "GIT_AGENT_TOKEN": SECRET, "CODE": code}
    done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, process_group=0, timeout=30)
    pid, *said = done.stdout.splitlines()
    assert said == [f"True -15 {pid}", "still here"], done


def test_a_worker_that_starts_others_all_the_time_ends_all_the_same(start: Start) -> None:
    worker = start("trap '' TERM; echo ready; while :; do (trap '' TERM; sleep 5) & sleep 0.01; done", token=True)
    time.sleep(0.1)
    assert orphans.end_orphans(described(worker), DIGEST, grace_s=0.2)
    assert worker.wait(5) == -signal.SIGKILL
    assert not orphans.end_orphans(None, DIGEST)
