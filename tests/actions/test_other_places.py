"""Other places: processes in another pid namespace, under another host name, on another machine or of another boot."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from git_agent.proc import processes
from tests.actions.supervised import sql
from tests.hooks.crowd import eventually
from tests.sandbox import Sandbox, _environment

AS_USER = () if os.geteuid() == 0 else ("--user", "--map-root-user")
BOXED = ("unshare", *AS_USER, "--pid", "--fork", "--kill-child", "--mount-proc")
RENAMED = ("unshare", *AS_USER, "--uts", "sh", "-c", 'hostname renamed && exec "$@"', "sh")
SILENT_MS = 301_000


@functools.cache
def lacks(*words: str) -> bool:
    try:
        return subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0
    except FileNotFoundError:
        return True


@pytest.fixture
def box() -> tuple[str, ...]:
    """Return what starts a command in a pid namespace of its own, under this host's name."""
    if lacks(*BOXED):
        pytest.skip("needs unshare, and root or user namespaces, to make a pid namespace")
    return BOXED


@pytest.fixture
def renamed() -> tuple[str, ...]:
    """Return what starts a command under another host name."""
    if lacks(*RENAMED):
        pytest.skip("needs unshare, hostname, and root or user namespaces, to rename the host")
    return RENAMED


@contextmanager
def started(repo: Sandbox, *words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command in the repository; kill it, with what it started, at the end of the block."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(
        words, cwd=repo.path, env=_environment({}), stdin=null, stdout=null, stderr=null, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def now() -> int:
    return int(time.time() * 1000)


def waiting(name: str) -> str:
    """Return a script that says that it began, and waits until the test lets it go on."""
    return f"touch {name}.began; while [ ! -e {name}.go ]; do sleep 0.05; done"


def first(repo: Sandbox) -> dict[str, Any]:
    return repo.tasks()[1]


@pytest.fixture
def task(repo: Sandbox) -> Path:
    """Return the worktree of task 1, with a beat a second."""
    repo.agent("init")
    repo.git("config", "agent.beat", "1s")
    repo.agent("spawn", "Fix login")
    return repo.worktree(1)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def run_here(repo: Sandbox, stack: ExitStack) -> subprocess.Popen[bytes]:
    """Run task 1, in no container, until the test ends."""
    at = repo.path.parent / "here"
    process = stack.enter_context(started(repo, "git-agent", "run", "1", "--", "sh", "-c", waiting(str(at))))
    eventually(Path(f"{at}.began").exists, lambda: "the command did not begin")
    return process


def run_in_box(repo: Sandbox, task: Path, box: tuple[str, ...], stack: ExitStack) -> subprocess.Popen[bytes]:
    """Run task 1 in a pid namespace of its own until the test lets it go on."""
    at = repo.path.parent / "boxed"
    script = f"{waiting(str(at))}; echo b >b; git add b; git commit -qm b"
    process = stack.enter_context(started(repo, *box, "git-agent", "run", "1", "--", "sh", "-c", script))
    eventually(Path(f"{at}.began").exists, lambda: "the command did not begin")
    return process


def test_a_worker_that_beats_in_another_pid_namespace_is_alive_and_hands_in(
    repo: Sandbox, task: Path, box: tuple[str, ...], stack: ExitStack
) -> None:
    process = run_in_box(repo, task, box, stack)
    assert (first(repo)["state"], first(repo)["worker"]["liveness"]) == ("WORKING", "alive")
    assert repo.agent_json("status")["needs_you"] == []
    assert [each["gone"] for each in repo.agent_json("ps")["sessions"]] == [False]
    assert [each["code"] for each in repo.agent_json("doctor")["findings"]] == []
    (repo.path.parent / "boxed.go").touch()
    assert process.wait(60) == 0 and first(repo)["state"] == "IN_REVIEW"


def test_nobody_runs_what_is_run_in_another_pid_namespace(
    repo: Sandbox, task: Path, box: tuple[str, ...], stack: ExitStack
) -> None:
    process = run_in_box(repo, task, box, stack)
    refused = repo.agent("run", "1", "--", "touch", "second", exit=3)
    assert "already run by process" in refused.err and "in another container or sandbox" in refused.err
    assert process.poll() is None and not (task / "second").exists()


def test_a_sandbox_does_not_run_what_is_run_outside_of_it(
    repo: Sandbox, task: Path, box: tuple[str, ...], stack: ExitStack
) -> None:
    process = run_here(repo, stack)
    refused = repo.run(*box, "git-agent", "run", "1", "--", "touch", "second")
    assert refused.code == 3 and process.poll() is None and not (task / "second").exists(), refused
    inside = json.loads(repo.run(*box, "git-agent", "list", "--json").out)
    assert inside["tasks"][0]["worker"]["liveness"] == "alive"


def test_stop_ends_a_worker_in_another_pid_namespace_at_its_next_beat(
    repo: Sandbox, task: Path, box: tuple[str, ...], stack: ExitStack
) -> None:
    process = run_in_box(repo, task, box, stack)
    repo.agent("stop", "1")
    process.wait(30)
    assert (first(repo)["state"], first(repo)["hold"]) == ("WORKING", "stopped")


def test_a_spawn_in_another_pid_namespace_is_not_rolled_back_until_it_is_silent(
    repo: Sandbox, box: tuple[str, ...], stack: ExitStack
) -> None:
    repo.agent("init")
    at = repo.path.parent / "setup"
    repo.git("config", "agent.setup", waiting(str(at)))
    process = stack.enter_context(started(repo, *box, "git-agent", "spawn", "Fix login"))
    eventually(Path(f"{at}.began").exists, lambda: "the command did not begin")
    assert repo.agent("list").err == "" and len(sql(repo, "SELECT * FROM intent")) == 1
    assert [each["code"] for each in repo.agent_json("doctor")["findings"]] == []
    sql(repo, "UPDATE intent SET expires_at = expires_at - ?", SILENT_MS)
    assert "interrupted spawn of task 1: process" in repo.agent("doctor", exit=None).out
    assert "rolled back an interrupted spawn of task 1 (process" in repo.agent("list").err
    Path(f"{at}.go").touch()
    assert process.wait(30) != 0  # the stopped writer comes back, and changes nothing
    assert (
        repo.tasks() == {}
        and not list(repo.path.parent.glob("*.worktrees/1*"))
        and sql(repo, "SELECT * FROM intent") == []
    )


@pytest.mark.rest
def test_a_merge_waits_for_a_queue_in_another_pid_namespace(
    repo: Sandbox, task: Path, box: tuple[str, ...], stack: ExitStack
) -> None:
    repo.agent("spawn", "Second")
    for number in (1, 2):
        repo.commit(repo.worktree(number), f"{number}.txt", "x\n")
        repo.agent("done", cwd=repo.worktree(number))
        repo.agent("approve", str(number))
    at = repo.path.parent / "check"
    repo.git("config", "agent.check", waiting(str(at)))
    process = stack.enter_context(started(repo, *box, "git-agent", "merge", "1"))
    eventually(Path(f"{at}.began").exists, lambda: "the command did not begin")
    busy = repo.agent("merge", "2", "--timeout", "0", exit=6)
    assert "in another container or sandbox" in busy.err
    Path(f"{at}.go").touch()
    assert process.wait(60) == 0
    assert repo.agent("merge", "2").code == 0


@pytest.mark.parametrize("how", ["namespace", "machine"])
def test_a_lock_that_another_place_did_not_renew_is_taken(repo: Sandbox, task: Path, how: str) -> None:
    repo.commit(task, "a.txt", "x\n")
    repo.agent("done", cwd=task)
    repo.agent("approve", "1")
    place = processes.myself()._replace(pid=1, pid_start=1)
    place = place._replace(pid_namespace="pid:[1]") if how == "namespace" else place._replace(machine="m", boot_id="b")
    columns = ", ".join((*place._fields, "name", "fence", "taken_at"))
    sql(repo, f"INSERT INTO lock ({columns}) VALUES (?, ?, ?, ?, ?, ?, 'merge-queue', 1, ?)", *place, now())
    assert "another merge is running" in repo.agent("merge", "1", "--timeout", "0", exit=6).err
    sql(repo, "UPDATE lock SET taken_at = taken_at - ?", SILENT_MS)
    repo.agent("merge", "1")


def test_a_renamed_host_takes_over_what_died_under_its_old_name(
    repo: Sandbox, renamed: tuple[str, ...], stack: ExitStack
) -> None:
    repo.agent("init")
    at = repo.path.parent / "setup"
    repo.git("config", "agent.setup", waiting(str(at)))
    with started(repo, "git-agent", "spawn", "Fix login"):
        eventually(Path(f"{at}.began").exists, lambda: "the command did not begin")
    repo.git("config", "--unset", "agent.setup")
    listed = repo.run(*renamed, "git-agent", "list")
    assert "rolled back an interrupted spawn of task 1" in listed.err, listed


def test_a_renamed_host_still_sees_its_living_worker(
    repo: Sandbox, task: Path, renamed: tuple[str, ...], stack: ExitStack
) -> None:
    process = run_here(repo, stack)
    refused = repo.run(*renamed, "git-agent", "run", "1", "--", "true")
    assert refused.code == 3 and process.poll() is None, refused
    stopped = repo.run(*renamed, "git-agent", "stop", "1")
    assert stopped.code == 0 and first(repo)["hold"] == "stopped", stopped
    process.wait(30)


@pytest.mark.parametrize("silent", [False, True])
def test_a_session_of_another_machine_ends_when_it_is_silent_for_two_leases(
    repo: Sandbox, task: Path, silent: bool
) -> None:
    repo.agent("run", "1", "--", "sh", "-c", "git agent ask 'What now?'", exit=None)
    there = "machine = 'another', boot_id = 'another', ended_at = NULL"
    sql(repo, f"UPDATE session SET {there}, expires_at = ?", now() + (-1000 if silent else 60_000))
    repo.agent("list")  # remembers the clocks, and is patient for a lease
    sql(repo, "UPDATE meta SET value = json_set(value, '$[3]', 0) WHERE key LIKE 'clocks:%'")
    again = repo.agent("run", "1", "--", "true", exit=None)
    assert ("already run by" in again.err) is not silent, again


def test_a_row_of_an_older_program_is_judged_by_its_host_name(repo: Sandbox) -> None:
    repo.agent("init")
    repo.agent("add", "Fix login")
    columns = "kind, task, data, host, boot_id, pid, pid_start, at"
    old = ("spawn", 1, '{"new": false}', os.uname().nodename, processes.boot_id(), os.getpid(), 0, 1)
    sql(repo, f"INSERT INTO intent ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *old)
    assert repo.agent("list").err == ""
    sql(repo, "UPDATE intent SET pid_start = 1")
    assert "rolled back an interrupted spawn of task 1" in repo.agent("list").err


def test_nothing_is_concluded_from_a_reboot_where_other_machines_use_the_store() -> None:
    before = processes.myself()._replace(boot_id="an earlier boot")
    assert processes.is_gone(before) and not processes.is_gone(before, shared=lambda: True)
    assert not processes.is_gone(before._replace(machine="another"))
    assert "of an earlier boot" in processes.named(before)


@pytest.mark.parametrize("minutes", [1, 11])
def test_doctor_names_the_lock_that_another_place_left(repo: Sandbox, task: Path, minutes: int) -> None:
    place = processes.myself()._replace(pid_namespace="pid:[1]", pid=999_999_999)
    columns = ", ".join((*place._fields, "name", "fence", "taken_at"))
    sql(repo, f"INSERT INTO lock ({columns}) VALUES (?, ?, ?, ?, ?, ?, 'reap', 1, ?)", *place, now() - minutes * 60_000)
    found = repo.agent_json("doctor", exit=None)["findings"]
    wanted = "the lock 'reap' is held by process 999999999 in another container or sandbox, which has been silent"
    assert [each["what"].startswith(wanted) for each in found] == ([True] if minutes == 11 else []), found
