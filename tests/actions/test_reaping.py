"""Dead workers, with real processes and real signals: their tasks go back, what they left running ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from git_agent.actions.liveness.reap import reap
from git_agent.app import App
from git_agent.domain.host_clocks import ClockReading
from git_agent.proc import clock, processes
from git_agent.store.store import Store
from tests.actions.supervised import Supervised, age, settle, sql, supervise
from tests.faults.world import Worlds
from tests.sandbox import Sandbox, run_at_once
from tests.store.children import answer
from tests.tables import suspend

LONG = 3600.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return a stack that ends all processes of the test."""
    with ExitStack() as stack:
        yield stack


def _claimed(repo: Sandbox) -> None:
    repo.agent("init")
    repo.agent("add", "Fix login")
    tree = Path(repo.agent("claim").out.splitlines()[-1])
    repo.agent("start", cwd=tree)
    repo.commit(tree, "login", "fixed\n")


@pytest.fixture
def tree(repo: Sandbox, worlds: Worlds) -> Path:
    """Return the worktree of task 1, which is claimed and WORKING, with one commit."""
    return worlds.lend(repo, _claimed).worktree(1)


@pytest.fixture
def worker(repo: Sandbox, tree: Path, stack: ExitStack) -> Supervised:
    """Return the supervised worker of task 1."""
    return supervise(repo, 1, stack)


def events(repo: Sandbox, kind: str) -> list[dict[str, Any]]:
    lines = repo.agent("log", "--json").out.splitlines()
    found = [json.loads(line).get("event") for line in lines]
    return [event for event in found if event and event["kind"] == kind]


def task(repo: Sandbox, number: int = 1) -> dict[str, Any]:
    return repo.tasks()[number]


def test_a_killed_supervisor_is_shown_as_dead_and_keeps_the_task_until_its_lease_ends(
    repo: Sandbox, worker: Supervised
) -> None:
    assert task(repo)["worker"]["liveness"] == "alive"
    worker.kill_supervisor()
    shown = task(repo)
    assert (shown["state"], shown["worker"]["liveness"]) == ("WORKING", "dead")
    assert shown["worker"]["pid"] == worker.supervisor.pid
    assert "its worker is dead" in repo.agent("status").out
    assert not worker.child_ended(0)


def test_when_its_lease_ends_the_task_goes_back_and_the_group_ends(
    repo: Sandbox, worker: Supervised, tree: Path
) -> None:
    before = task(repo)
    worker.kill_supervisor()
    age(repo, 1, 130)
    listed = repo.agent("list")
    pid = worker.supervisor.pid
    assert f"note: task 1: its worker is dead (process {pid} is gone); back in the queue, attempt 2 of 5" in listed.err
    assert "note: task 1: ended what its dead worker left running" in listed.err
    assert worker.child_ended() and worker.child.returncode == -signal.SIGTERM
    after = task(repo)
    assert (after["state"], after["worker"]["liveness"], after["attempt"]) == ("OPEN", "none", 1)
    assert (after["branch"], after["worktree"]) == (before["branch"], str(tree))
    assert tree.is_dir() and repo.git("rev-parse", before["branch"])
    [reaped] = events(repo, "task.reaped")
    assert reaped["actor"] == "reaper" and reaped["data"]["why"] == f"process {pid} is gone"
    assert reaped["data"]["attempt"] == 1 and reaped["epoch"] == before["epoch"] + 1
    assert [event["data"]["session"] for event in events(repo, "task.swept")] == [worker.session]
    assert repo.agent("list").err == ""


def test_the_worker_that_comes_back_is_told_and_changes_nothing(repo: Sandbox, worker: Supervised, tree: Path) -> None:
    worker.kill_supervisor()
    age(repo, 1, 130)
    repo.agent("list")
    late = repo.agent("done", cwd=tree, exit=5)
    assert late.err.startswith("error: your attempt at task 1 is not the current one: reaped by reaper")


def test_the_next_attempt_waits_and_then_starts_from_the_last_commit(
    repo: Sandbox, worker: Supervised, tree: Path
) -> None:
    tip = repo.commit(tree, "more", "work\n")
    worker.kill_supervisor()
    age(repo, 1, 130)
    repo.agent("claim", exit=6)
    assert "before its next attempt" in repo.agent("ready", "--why").out
    [[wait]] = sql(repo, "SELECT not_before - state_at FROM task WHERE id = 1")
    assert 29_000 <= wait <= 30_000
    sql(repo, "UPDATE task SET not_before = 1 WHERE id = 1")
    second = Path(repo.agent("claim").out.splitlines()[-1])
    after = task(repo)
    assert (after["state"], after["attempt"], after["branch"]) == ("ASSIGNED", 2, "agent/1-fix-login.a2")
    assert second != tree and repo.git("rev-parse", "HEAD", cwd=second) == tip
    assert (tree / "more").is_file()


def test_when_all_attempts_are_used_up_the_task_has_failed(repo: Sandbox, worker: Supervised) -> None:
    repo.git("config", "agent.maxAttempts", "1")
    worker.kill_supervisor()
    age(repo, 1, 130)
    listed = repo.agent("list")
    assert "FAILED, its one attempt is used up; git agent retry 1" in listed.err
    failed = task(repo)
    assert failed["state"] == "FAILED"
    assert failed["reason"] == f"its one attempt is used up; the last worker: process {worker.supervisor.pid} is gone"
    assert len(events(repo, "task.exhausted")) == 1 and worker.child_ended()


def test_a_supervisor_that_is_stopped_is_stale_and_keeps_its_task(repo: Sandbox, worker: Supervised) -> None:
    suspend(worker.supervisor.pid, repo.store)
    age(repo, 1, LONG)
    for _ in range(2):
        assert repo.agent("list").err == ""
    shown = task(repo)
    assert (shown["state"], shown["worker"]["liveness"]) == ("WORKING", "stale")
    assert "git agent reassign 1" in repo.agent("status").out
    assert not worker.child_ended(0)


def test_a_pid_that_was_used_again_is_not_the_supervisor(repo: Sandbox, worker: Supervised) -> None:
    sql(repo, "UPDATE session SET pid_start = pid_start + 1")
    age(repo, 1, 130)
    assert "is gone" in repo.agent("list").err
    assert worker.supervisor.poll() is None  # the stranger is left alone
    assert worker.child_ended()


def test_another_boot_is_another_process_and_its_group_is_not_looked_for(repo: Sandbox, worker: Supervised) -> None:
    sql(repo, "UPDATE session SET boot_id = 'another'")
    age(repo, 1, 130)
    assert "was stopped when its machine restarted" in repo.agent("list").err
    assert not worker.child_ended(0.3)


def test_a_worker_of_another_host_is_missed_twice(repo: Sandbox, worker: Supervised) -> None:
    sql(repo, "UPDATE session SET machine = 'elsewhere', boot_id = 'elsewhere'")
    worker.kill_supervisor()
    age(repo, 1, 130)
    assert repo.agent("list").err == ""
    age(repo, 1, 0, missed_s=1)
    assert repo.agent("list").err == ""
    age(repo, 1, 0, missed_s=11)
    assert "its worker is dead (silent for 2m)" in repo.agent("list").err
    assert not worker.child_ended(0.3)  # nothing of another host is touched


@pytest.mark.parametrize("state", ["IN_REVIEW", "APPROVED"])
def test_what_is_in_review_is_never_reaped_and_its_dead_session_is_swept(
    repo: Sandbox, worker: Supervised, tree: Path, state: str
) -> None:
    repo.agent("done", cwd=tree)
    if state == "APPROVED":
        repo.agent("approve", "1")
    worker.kill_supervisor()
    columns = "task, kind, session, beat_at, progress_at, expires_at, missed_at"
    sql(repo, f"INSERT INTO lease ({columns}) VALUES (1, 'run', ?, 1, 1, 1, 1)", worker.session)
    listed = repo.agent("list")
    assert task(repo)["state"] == state
    assert "ended what its dead worker left running" in listed.err and worker.child_ended()
    assert events(repo, "task.reaped") == []


@pytest.mark.parametrize("kind", ["run", "claim"])
def test_a_task_that_waits_for_somebody_is_never_reaped(
    repo: Sandbox, worker: Supervised, tree: Path, kind: str
) -> None:
    repo.agent("ask", "Which one?", cwd=tree)
    worker.kill_supervisor()
    columns = "task, kind, session, beat_at, progress_at, expires_at, missed_at"
    sql(repo, f"INSERT INTO lease ({columns}) VALUES (1, ?, ?, 1, 1, 1, 1)", kind, worker.session)
    repo.agent("list")
    assert (task(repo)["state"], task(repo)["hold"]) == ("WORKING", "needs_input")


def test_a_session_that_this_command_runs_in_is_left_to_others(repo: Sandbox, worker: Supervised) -> None:
    worker.kill_supervisor()
    age(repo, 1, 130)
    repo.agent("list", env={"GIT_AGENT_TOKEN": worker.secret})
    assert sql(repo, "SELECT state, ended_at FROM task, session") == [["OPEN", None]]
    assert not worker.child_ended(0)
    repo.agent("list")
    assert worker.child_ended()


def test_of_16_commands_at_once_one_reaps(repo: Sandbox, worker: Supervised) -> None:
    worker.kill_supervisor()
    age(repo, 1, 130)
    results = repo.parallel([("list",)] * 16)
    assert [result.code for result in results] == [0] * 16
    assert sum("back in the queue" in result.err for result in results) == 1
    assert sum("ended what its dead worker left" in result.err for result in results) == 1
    assert len(events(repo, "task.reaped")) == len(events(repo, "task.swept")) == 1


def test_a_reaper_that_was_killed_half_way_is_finished_by_the_next_command(repo: Sandbox, worker: Supervised) -> None:
    # Taken back already, and the processes still there; the lock is a dead process's.
    worker.kill_supervisor()
    age(repo, 1, 130)
    dead = subprocess.Popen(["true"])
    dead.wait()
    boot = sql(repo, "SELECT boot_id, host FROM session")[0]
    sql(repo, "DELETE FROM lease")
    columns = "name, fence, host, boot_id, pid, pid_start, taken_at"
    at = int(time.time() * 1000)
    sql(repo, f"INSERT INTO lock ({columns}) VALUES ('reap', 7, ?, ?, ?, 5, ?)", boot[1], boot[0], dead.pid, at)
    assert "ended what its dead worker left" in repo.agent("list").err
    assert worker.child_ended()
    assert sql(repo, "SELECT fence, host, pid FROM lock WHERE name = 'reap'") == [[8, None, None]]


def test_a_lock_whose_holder_lives_is_respected(repo: Sandbox, worker: Supervised) -> None:
    worker.kill_supervisor()
    age(repo, 1, 130)
    me, at = processes.myself(), int(time.time() * 1000)
    columns = "name, fence, host, boot_id, pid, pid_start, taken_at"
    row = ("reap", 7, me.host, me.boot_id, os.getpid(), 0, at)
    sql(repo, f"INSERT INTO lock ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
    assert repo.agent("list").err == ""
    assert task(repo)["state"] == "WORKING"
    sql(repo, "UPDATE lock SET taken_at = taken_at - 301000")
    assert "back in the queue" in repo.agent("list").err


@pytest.mark.rest
def test_a_silent_worker_of_the_queue_is_missed_twice_a_beat_apart(repo: Sandbox, tree: Path) -> None:
    repo.git("config", "agent.lease", "1s")
    repo.agent("heartbeat", cwd=tree)
    sql(repo, "DELETE FROM meta WHERE key LIKE 'clocks:%'")
    repo.agent("list")  # remembers the clocks, and is patient for a lease
    time.sleep(1.2)
    assert repo.agent("list").err == ""
    assert sql(repo, "SELECT missed_at IS NOT NULL FROM lease") == [[1]]
    assert repo.agent("list").err == ""  # not a beat apart
    repo.agent("heartbeat", cwd=tree)
    assert sql(repo, "SELECT missed_at IS NULL FROM lease") == [[1]]
    time.sleep(1.2)
    assert repo.agent("list").err == ""
    sql(repo, "UPDATE lease SET missed_at = missed_at - 10000")
    assert "task 1: its worker is dead (silent for" in repo.agent("list").err
    assert task(repo)["state"] == "OPEN"


def test_a_late_worker_that_runs_any_verb_is_heard_before_it_is_judged(repo: Sandbox, tree: Path) -> None:
    settle(repo)
    age(repo, 1, LONG, missed_s=60)
    assert repo.agent("list", cwd=tree).err == ""
    assert (task(repo)["state"], task(repo)["worker"]["liveness"]) == ("WORKING", "alive")
    age(repo, 1, LONG, missed_s=60)
    assert "back in the queue" in repo.agent("list").err


def test_a_look_in_the_background_is_no_sign_of_the_worker_in_whose_worktree_it_runs(repo: Sandbox, tree: Path) -> None:
    settle(repo)
    age(repo, 1, LONG, missed_s=60)
    repo.agent("sync", "--background", cwd=tree)
    assert "note: task 1: its worker is dead (silent for" in repo.agent("list").err  # kept for who types next
    assert task(repo)["state"] == "OPEN"


def test_a_silent_worker_whose_files_change_is_at_work(repo: Sandbox, tree: Path) -> None:
    settle(repo)
    age(repo, 1, LONG, missed_s=60)
    at = time.time() - 30
    os.utime(tree / "login", (at, at))
    assert repo.agent("list").err == ""
    shown = task(repo)
    assert shown["state"] == "WORKING" and 30 <= shown["progress_age_s"] < 60
    assert sql(repo, "SELECT missed_at IS NULL, expires_at - beat_at FROM lease") == [[1, 2_700_000]]


def test_three_that_fall_silent_together_are_waited_for_one_lease_once(repo: Sandbox, tree: Path) -> None:
    for number in (2, 3):
        repo.agent("add", f"Task {number}")
        repo.agent("claim")
    for number in (1, 2, 3):
        age(repo, number, 10 * LONG)
    settle(repo)
    assert repo.agent("list").err == ""
    for number in (1, 2, 3):
        age(repo, number, 0, missed_s=60)
    assert repo.agent("list").err == ""
    sql(repo, "UPDATE meta SET value = value - 2700000 WHERE key = 'crowd'")
    assert repo.agent("list").err.count("back in the queue") == 3


def test_a_host_that_slept_waits_one_lease_once(repo: Sandbox, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(repo, 1, LONG, missed_s=60)
    settle(repo)
    monkeypatch.chdir(repo.path)
    real, hour = clock.read_clocks(), 3_600_000

    def at(since_wake: int) -> ClockReading:
        return real._replace(boot=real.boot + hour + since_wake, wall=real.wall + hour + since_wake)

    def reaped(reading: ClockReading) -> list[str]:
        app = App(clock=lambda: reading)
        try:
            assert isinstance(app.store, Store)
            return reap(app)
        finally:
            app.close()

    assert reaped(at(0)) == []
    before = sql(repo, "SELECT value FROM meta WHERE key LIKE 'clocks:%'")
    assert reaped(at(2_699_000)._replace(awake=real.awake + 2_699_000)) == []
    assert sql(repo, "SELECT value FROM meta WHERE key LIKE 'clocks:%'") == before
    [line] = reaped(at(2_701_000)._replace(awake=real.awake + 2_701_000))
    assert "back in the queue" in line


@pytest.mark.rest
def test_a_waiting_claim_reaps_by_itself(repo: Sandbox, tree: Path) -> None:
    settle(repo)
    waiting = subprocess.Popen(["git", "agent", "claim", "--wait", "--timeout", "4"], cwd=repo.path)
    time.sleep(1)
    age(repo, 1, LONG, missed_s=60)
    waiting.wait(30)
    assert len(events(repo, "task.reaped")) == 1


def test_a_task_that_a_person_started_is_never_reaped_and_shown_with_what_reassigns_it(repo: Sandbox) -> None:
    repo.agent("spawn", "By hand")
    settle(repo)
    age(repo, 1, 100 * LONG, missed_s=LONG)
    assert repo.agent("list").err == ""
    found = repo.agent_json("status")["needs_you"]
    assert [(need["why"], need["command"]) for need in found] == [("its worker is stale", "git agent reassign 1")]


READ_ONLY = """
import random  # nobody may not be able to read the interpreter's library
from git_agent.actions.liveness import judge
from git_agent.actions.liveness.reap import reap
from git_agent.app import App
from git_agent.config import Config
from git_agent.proc import clock, processes
store = Store.open(sys.argv[1], create=True)
with store.transaction():
    store.leases.take(add(store, "a", State.WORKING, branch="agent/1-a", attempt=1, epoch=1).id, "claim", 0)
store.close()
os.chmod(sys.argv[1], 0o555)
for name in os.listdir(sys.argv[1]):
    os.chmod(os.path.join(sys.argv[1], name), 0o444)
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
app = App(env={})
app.__dict__["config"] = Config(())
app.__dict__["store"] = Store.open(sys.argv[1], create=False)
say(json.dumps([reap(app), store.tasks.get(1).state]))
"""


def test_a_store_that_can_not_be_written_is_read_without_reaping() -> None:
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        directory = Path(top, "git-agent")
        assert answer(READ_ONLY, directory) == [[], "WORKING"]
        directory.chmod(0o700)


def test_a_wrong_configuration_keeps_nobody_from_working(repo: Sandbox, worker: Supervised, tree: Path) -> None:
    worker.kill_supervisor()
    age(repo, 1, 130)
    repo.git("config", "agent.maxAttempts", "many")
    shown = repo.agent("log")
    assert "note: could not check for dead workers: agent.maxAttempts is not a number: many" in shown.err


def test_everybody_at_once_reaps_several_tasks_once_each(repo: Sandbox, tree: Path) -> None:
    for number in (2, 3, 4):
        repo.agent("add", f"Task {number}")
        repo.agent("claim")
    settle(repo)
    for number in (1, 2, 3, 4):
        age(repo, number, 10 * LONG, missed_s=60)
    commands = [("git", "agent", verb) for verb in ("list", "status", "ready", "log")] * 3
    results = run_at_once(commands, cwd=repo.path)
    assert [result.code for result in results] == [0] * 12
    assert sorted(event["task"] for event in events(repo, "task.reaped")) == [1, 2, 3, 4]
