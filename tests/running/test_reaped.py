"""Supervisors that are killed or stopped, as `git agent run` starts them: the next command finds out which it was."""

from __future__ import annotations

import signal
import time

import pytest

from tests.running.stage import WORK, Stage, eventually
from tests.running.stage import stage as stage
from tests.tables import suspend


def _expired(stage: Stage) -> bool:
    lease = stage.lease()
    return lease is not None and lease["expires_at"] < time.time() * 1000


@pytest.mark.rest
def test_of_a_killed_supervisor_nothing_is_left_and_the_task_goes_on_from_the_last_commit(stage: Stage) -> None:
    tree = stage.spawn()
    process = stage.run(f"{WORK}; echo ready; trap '' TERM; sleep 1000 & sleep 1000")
    process.kill()
    process.wait()
    eventually(lambda: _expired(stage), stage.lease)
    listed = stage.box.agent("list")
    assert f"task 1: its worker is dead (process {process.pid} is gone); back in the queue" in listed.err
    assert "task 1: ended what its dead worker left running" in listed.err
    stage.none_left()
    assert stage.where() == ("OPEN", None) and stage.lease() is None and stage.session()["ended_at"]
    assert [kind for kind in stage.kinds() if kind in ("task.reaped", "task.swept")] == ["task.reaped", "task.swept"]
    tip = stage.box.git("rev-parse", "HEAD", cwd=tree)
    assert stage.box.git("rev-parse", stage.task()["branch"]) == tip


def test_of_a_killed_supervisor_whose_task_is_in_review_nothing_is_left_either(stage: Stage) -> None:
    tree = stage.spawn()
    process = stage.run(f"{WORK}; echo ready; sleep 1000")
    stage.box.agent("done", cwd=tree)
    process.kill()
    process.wait()
    assert "ended what" in stage.box.agent("list").err
    stage.none_left()
    assert stage.where() == ("IN_REVIEW", None) and stage.session()["ended_at"]


@pytest.mark.rest
def test_a_stopped_supervisor_keeps_its_task_and_goes_on(stage: Stage) -> None:
    stage.spawn()
    process = stage.run("echo ready; sleep 1000")
    suspend(process.pid, stage.box.store)
    eventually(lambda: _expired(stage), stage.lease)
    for _ in range(3):
        assert stage.box.agent("list").err == ""
    assert stage.box.tasks()[1]["worker"]["liveness"] == "stale"
    process.send_signal(signal.SIGCONT)
    eventually(lambda: not _expired(stage), stage.lease)
    assert stage.where() == ("WORKING", None)
    assert stage.box.tasks()[1]["worker"]["liveness"] == "alive"
