"""What to type next: one answer for each state, the same for status, show, prime and errors."""

from __future__ import annotations

import pytest

from git_agent.domain.advice import instead_of, revival, steps_towards, waiting_for
from git_agent.domain.lease import Liveness
from git_agent.domain.needs import Circumstances, need
from git_agent.domain.task import MOVES, Hold, State, Step
from tests.domain.sample import task

SEND_BACK = "git agent request-changes 7 -m TEXT"
QUIET = Circumstances(None, Liveness.ALIVE, False, None, False, {}, 5)


@pytest.mark.parametrize(
    ("state", "goal", "words"),
    [
        (State.OPEN, State.APPROVED, "git agent spawn 7, then git agent start 7"),
        (State.WORKING, State.APPROVED, "git agent done 7, then git agent approve 7"),
        (State.IN_REVIEW, State.APPROVED, "git agent approve 7"),
        (State.WORKING, State.OPEN, "git agent reassign 7"),
        (State.IN_REVIEW, State.WORKING, f"{SEND_BACK}; to withdraw it from review: git agent start 7"),
        (State.APPROVED, State.WORKING, SEND_BACK),
        (State.FAILED, State.APPROVED, "git agent retry 7"),
        (State.CANCELLED, State.OPEN, "git agent reopen 7"),
    ],
)
def test_the_way_to_a_state_is_named_by_its_first_two_steps(state: State, goal: State, words: str) -> None:
    assert steps_towards(task(state=state), goal) == words


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("step", list(Step))
def test_a_refused_step_names_a_command_that_the_state_allows(state: State, step: Step) -> None:
    words = instead_of(step, task(state=state, branch="b", worktree="/w"))
    assert words.startswith("git agent ") and "7" in words
    verb = words.split()[2]
    steps = {move.step for move in MOVES if state in move.sources}
    assert verb in steps | {"show", "send"}, (state, step, words)


@pytest.mark.parametrize("hold", list(Hold))
def test_every_hold_needs_a_person_with_a_command(hold: Hold) -> None:
    found = need(task(state=State.WORKING, hold=hold, worktree="/w"), QUIET)
    assert found is not None and found.why and found.command.startswith("git ")


def test_what_waits_for_ever_names_the_command_that_ends_it() -> None:
    assert revival(3, State.WORKING) is None
    states = {3: State.FAILED, 5: State.OPEN}
    assert waiting_for(states) == "waits for task 3 (FAILED: never completes unless git agent retry 3), task 5 (OPEN)"
    seen = Circumstances(None, Liveness.NONE, False, None, False, states, 5)
    found = need(task(state=State.OPEN), seen)
    assert found is not None and (found.why, found.command) == (
        "waits for task 3, which is FAILED",
        "git agent retry 3",
    )


def test_what_a_dead_worker_left_and_what_nobody_may_begin_again_needs_a_person() -> None:
    left = need(task(state=State.OPEN, attempt=1, reason="its worker died: killed"), QUIET)
    assert left is not None and (left.why, left.command) == ("its worker died: killed", "git agent spawn 7")
    used_up = need(task(state=State.OPEN, attempt=5), QUIET)
    assert used_up is not None and used_up.command == "git config agent.maxAttempts 6"
    assert need(task(state=State.OPEN), QUIET) is None


@pytest.mark.parametrize("state", [State.ASSIGNED, State.WORKING])
def test_a_task_that_nobody_works_on_needs_a_person(state: State) -> None:
    found = need(task(state=state), QUIET._replace(liveness=Liveness.NONE, over=True))
    assert need(task(state=state), QUIET._replace(liveness=Liveness.NONE)) is None
    assert found is not None and (found.why, found.command) == ("nobody works on it", "git agent run 7 -- COMMAND")


def test_a_worker_that_is_alive_and_gets_on_needs_nobody() -> None:
    assert need(task(state=State.WORKING), QUIET) is None
