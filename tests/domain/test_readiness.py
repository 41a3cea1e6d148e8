"""Why a task can't be claimed."""

from __future__ import annotations

import pytest

from git_agent.domain.gates import Blocked, blocked
from git_agent.domain.task import State
from tests.domain.sample import task

NOW = 1_800_000_000_000


def test_a_task_that_waits_for_nothing_is_ready() -> None:
    assert blocked(task(), {}, NOW, 3) is None


@pytest.mark.parametrize("state", [s for s in State if s is not State.COMPLETED])
def test_a_parent_that_is_not_completed_blocks_and_is_named(state: State) -> None:
    why = blocked(task(), {3: state}, NOW, 3)
    assert why is not None
    assert (why.task, why.by) == (7, (3,))
    assert why.why.startswith(f"waits for task 3 ({state}")


@pytest.mark.parametrize(
    ("state", "command"), [(State.FAILED, "git agent retry 3"), (State.CANCELLED, "git agent reopen 3")]
)
def test_a_parent_that_ended_without_completing_never_releases_and_the_way_out_is_told(
    state: State, command: str
) -> None:
    why = blocked(task(), {3: state}, NOW, 3)
    assert why == Blocked(7, f"waits for task 3 ({state}: never completes unless {command})", (3,))


def test_every_parent_is_named() -> None:
    why = blocked(task(), {3: State.WORKING, 5: State.OPEN}, NOW, 3)
    assert why == Blocked(7, "waits for task 3 (WORKING), task 5 (OPEN)", (3, 5))


def test_a_task_waits_until_its_time() -> None:
    assert blocked(task(not_before=NOW + 5000), {}, NOW, 3) == Blocked(7, "waits 6 s before its next attempt")
    assert blocked(task(not_before=NOW + 1), {}, NOW, 3) is not None
    assert blocked(task(not_before=NOW), {}, NOW, 3) is None


def test_a_task_whose_attempts_are_used_up_is_not_ready() -> None:
    assert blocked(task(attempt=2), {}, NOW, 3) is None
    why = blocked(task(attempt=3), {}, NOW, 3)
    assert why == Blocked(7, "all 3 attempts are used up (agent.maxAttempts)", used_up=True)
