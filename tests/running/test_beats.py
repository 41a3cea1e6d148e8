"""The heartbeat of a real supervisor, as the store shows it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.running.stage import WORK, Stage, eventually, state, until
from tests.running.stage import stage as stage
from tests.tables import suspend

# Hold the write lock of a store until standard input ends, and say when it is held.
HOLD = """
import sys, apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def _beat(stage: Stage) -> int:
    lease = stage.lease()
    assert lease is not None
    return int(lease["beat_at"])


def _beats_on(stage: Stage) -> None:
    before = _beat(stage)
    eventually(lambda: _beat(stage) > before, stage.lease)


@contextmanager
def _held(stage: Stage) -> Iterator[None]:
    """Hold the write lock of the store while the block runs."""
    command = [sys.executable, "-c", HOLD, str(stage.agent / "agent.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None and holder.stdout is not None and holder.stdout.readline() == "held\n"
        yield
        holder.stdin.close()


def test_the_lease_is_renewed_for_twelve_beats(stage: Stage) -> None:
    stage.spawn()
    stage.run("echo ready; sleep 300")
    lease = stage.lease()
    assert lease is not None and (lease["kind"], lease["session"]) == ("run", stage.session()["id"])
    _beats_on(stage)
    lease = stage.lease()
    assert lease is not None and lease["expires_at"] - lease["beat_at"] == 2400


def test_beat_and_progress_are_apart(stage: Stage) -> None:
    """Output is progress, and a change of the index, and nothing else for a while."""
    where = stage.spawn()
    stage.run("echo ready; sleep 300")
    _beats_on(stage)
    _beats_on(stage)
    still = (stage.lease() or {})["progress_at"]
    for _ in range(3):
        _beats_on(stage)
    assert (stage.lease() or {})["progress_at"] == still
    stage.box.write("new", "x\n", cwd=where)
    stage.box.git("add", "new", cwd=where)
    eventually(lambda: (stage.lease() or {})["progress_at"] > still, stage.lease)


def test_a_task_that_waits_has_no_lease_and_gets_it_back(stage: Stage) -> None:
    stage.spawn()
    script = f"echo ready; git agent ask which; {until('go')}"
    process = stage.start("run", "1", "--", "sh", "-c", script)
    eventually(lambda: stage.kinds()[-1:] == ["task.asked"], stage.kinds)
    eventually(lambda: stage.lease() is None, stage.lease)
    assert stage.where() == ("WORKING", "needs_input")
    stage.box.agent("answer", "1", "the first")
    eventually(lambda: (stage.lease() or {}).get("kind") == "run", stage.lease)
    stage.box.write("go", "", cwd=Path(stage.task()["worktree"]))
    _, _, err = stage.ended(process)
    assert "note: new messages (1)" in err


def test_a_busy_store_holds_up_the_beat_and_nothing_else(stage: Stage) -> None:
    where = stage.spawn()
    process = stage.run(
        f"echo ready; {until('go')}; for i in $(seq 12); do echo $i; sleep 0.1; done; {until('end')}; exit 1"
    )
    with _held(stage):
        before = _beat(stage)
        (where / "go").touch()
        eventually(lambda: "12" in stage.log(), stage.log)
        assert _beat(stage) == before
    _beats_on(stage)
    (where / "end").touch()
    assert stage.ended(process)[0] == 1 and stage.where() == ("FAILED", None)


def test_a_store_that_is_gone_is_said_and_the_work_is_kept(stage: Stage) -> None:
    where = stage.spawn()
    process = stage.run(f"echo ready; {until('go')}; rm go; {WORK}")
    os.rename(stage.agent / "agent.db", stage.agent / "away.db")
    assert process.stderr is not None
    assert b"note: heartbeat failed: " in process.stderr.readline()
    stage.box.write("go", "", cwd=where)
    code, _, err = stage.ended(process)
    assert code == 1 and "error: " in err and "Traceback" not in err
    assert stage.box.git("log", "-1", "--format=%s", cwd=where) == "Work"
    stage.none_left()


def test_a_main_thread_that_hangs_is_noticed(stage: Stage) -> None:
    """A process that is stopped beats no more; nobody takes its task, since it is there, and it goes on."""
    stage.spawn()
    process = stage.run("echo ready; sleep 300")
    suspend(process.pid, stage.box.store)
    eventually(lambda: state(process.pid) == "T", lambda: state(process.pid))
    before = _beat(stage)
    time.sleep(0.8)
    assert _beat(stage) == before
    os.kill(process.pid, signal.SIGCONT)
    _beats_on(stage)


@pytest.mark.rest
def test_many_beat_in_time(stage: Stage) -> None:
    """On two processors, each every fifth of a second: no beat comes later than its lease (make bench: 32)."""
    number = 12
    for n in range(number):
        stage.spawn(f"Task {n}")
    for n in range(number):
        stage.start("run", str(n + 1), "--", "sleep", "300")
    kinds = lambda: [(stage.lease(n + 1) or {}).get("kind") for n in range(number)]  # noqa: E731
    eventually(lambda: kinds() == ["run"] * number, kinds, 60)
    end, worst = time.monotonic() + 3, 10_000
    while time.monotonic() < end:
        now = int(time.time() * 1000)
        worst = min(worst, *((stage.lease(n + 1) or {})["expires_at"] - now for n in range(number)))
    assert worst > 0, f"a lease was over by {-worst} ms"
