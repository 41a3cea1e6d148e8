"""Supervisors, agents, or both, killed at any moment: nothing runs on, nothing is stuck, and no commit is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.whole import wrong
from tests.running.stage import Stage, eventually
from tests.running.stage import stage as stage

# Commits, and says so where no kill can take it back; leaves one process in its group and one that left it.
SCRIPT = """
sleep 300 & setsid sleep 301 &
echo ready
for i in 1 2 3 4; do
    echo $i >>work && git add work && git commit --quiet --message $i && git rev-parse HEAD >>"$0"
    sleep 0.15
done
"""
ENDS = {
    "agent": {("FAILED", None), ("IN_REVIEW", None)},
    # Before the session began the task is its person's, who spawned it; after that it is reaped, or was handed in.
    "supervisor": {("ASSIGNED", None), ("OPEN", None), ("IN_REVIEW", None), ("FAILED", None)},
    "both": {("ASSIGNED", None), ("OPEN", None), ("IN_REVIEW", None), ("FAILED", None)},
}


def _kill(stage: Stage, task: int, whom: str, supervisor: subprocess.Popen[bytes]) -> None:
    sessions = [] if whom == "supervisor" else [s for s in [stage.session(task)] if s["child_pid"]]
    pids = [s["child_pid"] for s in sessions] + ([] if whom == "agent" else [supervisor.pid])
    for pid in random.sample(pids, len(pids)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            assert supervisor.poll() is not None or whom != "supervisor"


@pytest.mark.rest
@pytest.mark.timeout(3600)
def test_killed_at_random(stage: Stage, every_step: bool, tmp_path: Path) -> None:
    rounds = 100 if every_step else 6
    seed = int.from_bytes(os.urandom(4))
    random.seed(seed)
    for number in range(1, rounds + 1):
        whom = random.choice(list(ENDS))
        told = f"round {number}, {whom}, seed {seed}"
        where, acks = stage.spawn(f"Task {number}"), tmp_path / f"acks{number}"
        process = stage.start("run", str(number), "--", "sh", "-c", SCRIPT, acks)
        if whom != "supervisor":
            eventually(lambda n=number: _began(stage, n), lambda told=told: told)
        time.sleep(random.uniform(0, 0.9))
        _kill(stage, number, whom, process)
        if whom == "agent":
            stage.ended(process)
        process.wait(timeout=60)
        eventually(lambda n=number: _is_over(stage, n), lambda n=number, told=told: f"{told}: {stage.lease(n)}")
        stage.box.agent("list")
        stage.none_left()
        assert stage.where(number) in ENDS[whom], told
        assert stage.session(number)["ended_at"] if _began(stage, number) else True, told
        reached = set(stage.box.git("rev-list", f"agent/{number}-task-{number}").splitlines())
        said = acks.read_text().split() if acks.exists() else []
        assert set(said) <= reached, told
        assert where.is_dir(), told
    lines = [line for line in wrong(stage.box) if "uncommitted" not in line and "index.lock" not in line]
    assert lines == [], f"seed {seed}"
    _none_is_stuck(stage, rounds)


def _began(stage: Stage, task: int) -> bool:
    try:
        return bool(stage.session(task)["child_pid"])
    except IndexError:
        return False


def _is_over(stage: Stage, task: int) -> bool:
    """The lease that a dead supervisor held is over; one of a person's own hand never is."""
    lease = stage.lease(task)
    return lease is None or lease["expires_at"] is None or lease["expires_at"] < time.time() * 1000


def _none_is_stuck(stage: Stage, rounds: int) -> None:
    for number in range(1, rounds + 1):
        state = stage.where(number)[0]
        if state == "FAILED":
            stage.box.agent("retry", str(number))
        if state != "IN_REVIEW":
            stage.box.agent("release", str(number), exit=None)  # what a person had spawned goes back, too
            assert stage.where(number)[0] == "OPEN"
    listed = {t["id"] for t in stage.box.agent_json("ready")["tasks"]}
    waiting = {b["task"] for b in stage.box.agent_json("ready")["blocked"]}
    open_ = {n for n in range(1, rounds + 1) if stage.where(n)[0] == "OPEN"}
    assert open_ == listed | waiting
