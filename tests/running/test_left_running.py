"""A command that runs although its attempt is over is named by the verb that ended the attempt, and by status."""

from __future__ import annotations

from typing import Any

import pytest

from tests.running.stage import Stage, eventually
from tests.running.stage import stage as stage


@pytest.fixture
def running(stage: Stage) -> Stage:
    """Return a stage where an agent runs for task 1 and ignores being asked to end."""
    stage.spawn()
    stage.run("trap '' TERM; echo ready; sleep 100 & wait; sleep 100")
    return stage


def needs(stage: Stage) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = stage.box.agent_json("status")["needs_you"]
    return [need for need in said if "still runs" in need["why"]]


@pytest.mark.rest
def test_cancel_says_that_its_command_runs_on_and_status_shows_it(running: Stage) -> None:
    said = running.box.agent("cancel", "1").err
    assert "still runs" in said and "will be asked to end" in said and "git agent stop 1" in said
    [need] = needs(running)
    assert need["task"] == 1 and "CANCELLED" in need["why"] and need["command"] == "git agent stop 1"
    assert "1 fix-login is CANCELLED, but its command still runs" in running.box.agent("status").out
    running.box.agent("stop", "1")
    assert needs(running) == []
    running.none_left()


def test_so_does_cancel_of_what_is_cancelled_already(running: Stage) -> None:
    running.box.agent("cancel", "1")
    assert "still runs" in running.box.agent("cancel", "1").err


@pytest.mark.parametrize("words", [("release", "1"), ("fail", "1", "-m", "no")])
def test_status_shows_what_release_and_fail_leave_running(running: Stage, words: tuple[str, ...]) -> None:
    assert "still runs" in running.box.agent(*words).err
    assert [need["task"] for need in needs(running)] == [1]


def test_stop_is_not_proposed_where_it_would_also_end_the_new_attempt(running: Stage) -> None:
    running.box.agent("reassign", "1")
    assert [need["command"] for need in needs(running)] == ["git agent stop 1"]
    running.start("run", "1", "--", "sh", "-c", "sleep 100")
    eventually(lambda: [need["command"] for need in needs(running)] == ["git agent ps"], lambda: str(needs(running)))


@pytest.mark.rest
def test_nothing_is_said_of_a_command_that_ended_or_that_works(running: Stage) -> None:
    assert needs(running) == []
    running.box.agent("stop", "1")
    assert "still runs" not in running.box.agent("cancel", "1").err
    assert needs(running) == []
