"""Signals reach the whole process group, and no process is left, whatever the command does about them."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.running.stage import WORK, Stage, eventually, state, until
from tests.running.stage import stage as stage
from tests.tables import suspend


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"])
def test_a_signal_is_forwarded_to_the_whole_group(stage: Stage, name: str) -> None:
    stage.spawn()
    number = signal.Signals[name]
    process = stage.run('(trap "echo inner; exit" INT TERM HUP QUIT; echo ready; while :; do sleep 0.05; done) & wait')
    os.kill(process.pid, number)
    code, out, _ = stage.ended(process)
    assert code == (130 if name == "SIGINT" else 1) and stage.where() == ("WORKING", "stopped")
    assert stage.task()["reason"] == f"was ended by {name}"
    # Shells start what is in the background with SIGINT and SIGQUIT ignored, and some let it be trapped all the same.
    assert "inner" in out or name in ("SIGINT", "SIGQUIT")
    stage.none_left()


def test_a_signal_that_the_command_handles_is_its_own_affair(stage: Stage) -> None:
    stage.spawn()
    process = stage.run(f'trap "{WORK}; exit 0" USR1; echo ready; while :; do sleep 0.05; done')
    os.kill(process.pid, signal.SIGUSR1)
    assert stage.ended(process)[0] == 0 and stage.where() == ("IN_REVIEW", None)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("code", [0, 7])
def test_a_signal_stops_the_task_whatever_the_command_makes_of_it(stage: Stage, name: str, code: int) -> None:
    where = stage.spawn()
    trap = f'trap "{WORK}; exit {code}" TERM INT HUP'
    process = stage.run(f"echo x >half; {trap}; echo ready; while :; do sleep 0.05; done")
    os.kill(process.pid, signal.Signals[name])
    stage.ended(process)
    assert (stage.where(), stage.lease()) == (("WORKING", "stopped"), None)
    stage.box.agent("run", "1", "--", "sh", "-c", f"git add half && {WORK}")
    assert stage.where() == ("IN_REVIEW", None)
    assert (stage.task()["attempt"], stage.task()["worktree"]) == (1, str(where))


@pytest.mark.parametrize("verb", ["reassign", "release", "start"])
def test_what_was_stopped_can_be_given_away_or_gone_on_with(stage: Stage, verb: str) -> None:
    where = stage.spawn()
    process = stage.run(f"{WORK}; echo ready; sleep 300")
    os.kill(process.pid, signal.SIGHUP)
    stage.ended(process)
    stage.box.git("config", "agent.lease", "1ms")
    stage.box.agent("sync")
    assert stage.where() == ("WORKING", "stopped")  # it is never reaped
    stage.box.agent(verb, "1")
    task = stage.task()
    known = {"reassign": ("ASSIGNED", None, 2), "release": ("OPEN", None, 1), "start": ("WORKING", None, 1)}
    assert (task["state"], task["hold"], task["attempt"]) == known[verb]
    assert where.exists()


def test_what_the_command_leaves_behind_is_ended(stage: Stage) -> None:
    """A process of its group, one that left the group, and one that ignores SIGTERM and holds the output open."""
    stage.spawn()
    script = (
        f"sleep 300 & setsid sleep 301 & (trap '' TERM; exec sleep 302) & (setsid sh -c 'sleep 303 & wait' &) ; {WORK}"
    )
    code, _, _ = stage.ended(stage.start("run", "1", "--", "sh", "-c", script))
    assert code == 0 and stage.where() == ("IN_REVIEW", None)
    stage.none_left()


def test_a_command_that_ignores_sigterm_is_killed_at_the_second_one(stage: Stage) -> None:
    stage.spawn()
    process = stage.run('trap "" TERM; echo ready; while :; do sleep 0.05; done')
    os.kill(process.pid, signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    os.kill(process.pid, signal.SIGTERM)
    assert stage.ended(process)[0] == 1
    assert (stage.where(), stage.task()["reason"]) == (("WORKING", "stopped"), "was ended by SIGTERM")
    stage.none_left()


def test_stop_holds_the_task_and_run_goes_on(stage: Stage) -> None:
    where = stage.spawn()
    process = stage.run("echo x >half; echo ready; sleep 300")
    assert stage.box.agent("stop", "1").out == "task 1 is WORKING stopped\n"
    assert stage.ended(process)[0] == 1
    assert stage.where() == ("WORKING", "stopped") and stage.lease() is None
    assert stage.task()["reason"] == "was stopped by Ada Lovelace"
    stage.none_left()
    assert stage.box.agent("stop", "1").out == "no command is running for task 1\n"
    needed = stage.box.agent("status").out.splitlines()[1:3]
    assert needed[0].startswith("  1 fix-login was stopped by Ada Lovelace (")
    assert needed[1] == "      git agent run 1 -- COMMAND"
    assert (where / "half").exists()
    stage.box.agent("run", "1", "--", "sh", "-c", f"git add half && {WORK}")
    assert stage.where() == ("IN_REVIEW", None) and stage.task()["attempt"] == 1


@pytest.mark.rest
def test_stop_ends_what_ignores_sigterm(stage: Stage) -> None:
    stage.spawn()
    process = stage.run('trap "" TERM HUP; echo ready; while :; do sleep 0.05; done')
    stage.box.agent("stop", "1")
    stage.ended(process)
    assert stage.where() == ("WORKING", "stopped")
    stage.none_left()


def test_stop_ends_a_supervisor_that_is_suspended(stage: Stage) -> None:
    stage.spawn()
    process = stage.run("echo ready; sleep 300")
    suspend(process.pid, stage.box.store)
    stage.box.agent("stop", "1")
    stage.ended(process)
    assert stage.where() == ("WORKING", "stopped")
    stage.none_left()


def test_stop_ends_what_a_dead_supervisor_left(stage: Stage) -> None:
    stage.spawn()
    stage.box.git("config", "agent.beat", "10s")
    process = stage.run("echo ready; exec >/dev/null 2>&1; sleep 300")
    process.kill()
    process.wait()
    assert stage.left()
    assert stage.box.agent("stop", "1").out == "task 1 is WORKING stopped\n"
    assert stage.where() == ("WORKING", "stopped")
    stage.none_left()


def test_run_takes_the_place_of_a_dead_supervisor(stage: Stage) -> None:
    stage.spawn()
    stage.box.git("config", "agent.beat", "10s")
    process = stage.run("echo ready; exec >/dev/null 2>&1; sleep 300")
    process.kill()
    process.wait()
    stage.box.agent("run", "1", "--", "sh", "-c", WORK)
    assert stage.where() == ("IN_REVIEW", None) and stage.task()["attempt"] == 1
    stage.none_left()


@pytest.mark.rest
def test_cancel_asks_the_command_to_end_after_a_while_and_kill_at_once(stage: Stage) -> None:
    stage.spawn()
    stage.spawn("Other")
    first, second = stage.run("echo ready; sleep 300"), stage.run("echo ready; sleep 300", 2)
    stage.box.agent("cancel", "1")
    stage.box.agent("cancel", "2", "--kill")
    assert stage.ended(second)[0] == 1
    with pytest.raises(subprocess.TimeoutExpired):
        first.wait(1)
    code, _, err = stage.ended(first)
    assert code == 1 and "the task was cancelled by Ada Lovelace; its agent is asked to end in 10 s" in err
    assert "task 1 is CANCELLED: this attempt was superseded" in err
    assert stage.where(1) == stage.where(2) == ("CANCELLED", None)
    stage.none_left()


@pytest.mark.rest
def test_reassign_tells_and_lets_live_and_kill_ends(stage: Stage) -> None:
    where = stage.spawn()
    process = stage.run(f"echo ready; {until('go')}; git agent done; echo done said $?")
    stage.box.agent("reassign", "1")
    (where / "go").touch()
    code, out, err = stage.ended(process)
    assert (code, "done said 5" in out) == (1, True)
    assert "this attempt was superseded (reassigned by Ada Lovelace)" in err
    assert stage.where() == ("ASSIGNED", None) and stage.task()["attempt"] == 2
    process = stage.start("run", "1", "--", "sh", "-c", "echo ready; sleep 300")
    eventually(lambda: "ready" in stage.log(1, 2), lambda: stage.log(1, 2))
    stage.box.agent("reassign", "1", "--kill")
    assert stage.ended(process)[0] == 1
    assert stage.where() == ("ASSIGNED", None) and stage.task()["attempt"] == 3
    stage.none_left()


@pytest.mark.rest
def test_suspended_for_long_and_gone_on_with(stage: Stage) -> None:
    stage.spawn()
    process = stage.run(f"echo ready; sleep 3; {WORK}")
    # A shell that is stopped between its vfork and the exec is in state D, not T (14 of 1,500 tries).
    eventually(lambda: "sleep 3" in map(str.strip, stage.left().values()), stage.left)
    os.kill(process.pid, signal.SIGTSTP)
    eventually(lambda: state(process.pid) == "T", lambda: state(process.pid))
    eventually(lambda: set(map(state, stage.left())) == {"T"}, stage.left)
    os.kill(process.pid, signal.SIGCONT)
    assert stage.ended(process)[0] == 0 and stage.where() == ("IN_REVIEW", None)
