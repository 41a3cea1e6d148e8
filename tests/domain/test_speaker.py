"""Who runs a command, and whether that worker still has the task."""

from __future__ import annotations

import pytest

from git_agent.domain.speaker import Speaker, WorkerIdentity, superseded_error
from git_agent.domain.task import State
from git_agent.errors import Exit
from tests.domain.sample import task

CURRENT = task(state=State.WORKING, attempt=2, epoch=5)


def speaker(*identities: WorkerIdentity) -> Speaker:
    return Speaker("somebody", identities)


def test_a_person_carries_nothing_and_is_never_superseded() -> None:
    person = speaker()
    assert not person.is_worker
    assert person.address == "@human"
    assert not person.works_on(CURRENT)
    assert not person.superseded(CURRENT)


@pytest.mark.parametrize(
    ("attempt", "epoch", "superseded"),
    [
        (2, 5, False),
        (2, None, False),
        (None, 5, False),
        (None, None, False),
        (1, 5, True),
        (3, 5, True),  # a number from the future is no better
        (2, 4, True),
        (2, 6, True),
        (1, None, True),
        (None, 4, True),
        (1, 4, True),
    ],
)
@pytest.mark.parametrize("who", [7, None])  # an epoch without a task means the task at hand
def test_a_worker_of_another_attempt_or_epoch_is_superseded(
    who: int | None, attempt: int | None, epoch: int | None, superseded: bool
) -> None:
    assert speaker(WorkerIdentity(who, attempt, epoch)).superseded(CURRENT) is superseded


def test_another_tasks_worker_is_not_superseded_here() -> None:
    assert not speaker(WorkerIdentity(8, 1, 1)).superseded(CURRENT)


def test_one_old_identity_is_enough() -> None:
    # It stands in a current worktree, but its environment is of an old attempt; or the other way about.
    assert speaker(WorkerIdentity(7, 2, 5), WorkerIdentity(7, None, 4)).superseded(CURRENT)
    assert speaker(WorkerIdentity(7, 1, 3), WorkerIdentity(7, None, 5)).superseded(CURRENT)
    assert not speaker(WorkerIdentity(7, 2, 5), WorkerIdentity(7, None, 5)).superseded(CURRENT)


def test_a_worker_of_an_earlier_attempt_still_counts_as_the_tasks_worker() -> None:
    assert speaker(WorkerIdentity(7, 1, 1)).works_on(CURRENT)
    assert speaker(WorkerIdentity(8, 1, 1), WorkerIdentity(7, None, None)).works_on(CURRENT)
    assert not speaker(WorkerIdentity(8, 2, 5)).works_on(CURRENT)
    assert not speaker(WorkerIdentity(None, None, 5)).works_on(CURRENT)


def test_answers_go_to_the_workers_task() -> None:
    assert speaker(WorkerIdentity(None, None, 5), WorkerIdentity(7, 2, 5)).address == "7"
    assert speaker(WorkerIdentity(7, 2, 5)).is_worker
    assert not speaker(WorkerIdentity(None, None, 5)).is_worker


def test_the_error_says_who_took_the_task() -> None:
    error = superseded_error(CURRENT, "reassigned by Ada")
    assert error.exit is Exit.SUPERSEDED == 5
    assert error.message == "your attempt at task 7 is not the current one: reassigned by Ada"
    assert "git agent show 7" in error.hint


def test_the_first_identity_is_the_address_and_tells_whether_it_is_proved() -> None:
    token, claim = WorkerIdentity(3, 1, 1, proved=True), WorkerIdentity(5, None, 1)
    assert (speaker(token, claim).address, speaker(token, claim).verified) == ("3", True)
    assert (speaker(claim).address, speaker(claim).verified) == ("5", False)
    assert speaker(token, claim).works_on(task(id=5)), "what is claimed still forbids"


def test_a_person_is_verified_unless_something_claims_otherwise() -> None:
    assert speaker().verified
    unknown_token = WorkerIdentity(None, None, None)
    assert speaker(unknown_token).address == "@human" and not speaker(unknown_token).verified
