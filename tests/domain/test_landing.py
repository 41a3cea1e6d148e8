"""Whether a task may be merged now, and if not, what to do."""

from __future__ import annotations

import pytest

from git_agent.domain.gates import landing_error
from git_agent.domain.task import State
from git_agent.errors import Exit
from tests.domain.sample import task

TIP, OTHER = "a" * 40, "b" * 40
APPROVED = task(state=State.APPROVED, branch="agent/7-fix-login", reviewed_oid=TIP)


def test_an_approved_task_may_land_at_the_reviewed_commit() -> None:
    assert landing_error(APPROVED, TIP, None) is None


@pytest.mark.parametrize("state", [s for s in State if s is not State.APPROVED])
@pytest.mark.parametrize("tip", [TIP, OTHER, None])
@pytest.mark.parametrize("lapsed", [TIP, None])
def test_nothing_lands_without_an_approval_that_holds_now(state: State, tip: str | None, lapsed: str | None) -> None:
    # Not even a branch that went back to the commit of an approval that ended.
    assert landing_error(task(state=state, branch="agent/7-fix-login", reviewed_oid=TIP), tip, lapsed) is not None


@pytest.mark.parametrize(
    ("state", "hint"),
    [
        (State.OPEN, "git agent spawn 7, then git agent start 7"),
        (State.ASSIGNED, "git agent start 7, then git agent done 7"),
        (State.WORKING, "git agent done 7, then git agent approve 7"),
        (State.IN_REVIEW, "git agent approve 7"),
        (State.FAILED, "git agent retry 7"),
        (State.CANCELLED, "git agent reopen 7"),
        (State.COMPLETED, "git agent reopen 7"),
    ],
)
def test_a_task_that_is_not_approved_is_refused_with_the_step_that_leads_on(state: State, hint: str) -> None:
    # Even when an old approval names this very commit.
    error = landing_error(task(state=state, reviewed_oid=TIP), TIP, None)
    assert error is not None
    assert (error.code, error.exit, error.hint) == ("not-approved", Exit.REFUSED, hint)
    assert error.message == f"cannot merge task 7: it is {state}"


def test_a_branch_that_is_gone_is_refused() -> None:
    error = landing_error(APPROVED, None, None)
    assert error is not None
    assert (error.code, error.exit) == ("no-branch", Exit.REFUSED)
    assert "'agent/7-fix-login' is gone" in error.message


@pytest.mark.parametrize("reviewed", [TIP, None])
def test_a_branch_that_moved_since_its_approval_is_refused_with_both_commits(reviewed: str | None) -> None:
    error = landing_error(task(state=State.APPROVED, reviewed_oid=reviewed), OTHER, None)
    assert error is not None
    assert (error.code, error.exit) == ("approval-stale", Exit.REFUSED)
    assert OTHER[:12] in error.message and (reviewed or "")[:12] in error.message


def test_a_branch_that_moved_and_lost_its_approval_is_refused_with_both_commits() -> None:
    error = landing_error(task(state=State.IN_REVIEW, branch="agent/7-fix-login"), OTHER, TIP)
    assert error is not None
    assert (error.code, error.exit) == ("approval-stale", Exit.REFUSED)
    assert OTHER[:12] in error.message and TIP[:12] in error.message
    assert error.hint == "git agent diff 7, then git agent approve 7"


def test_a_branch_that_went_back_to_the_commit_of_an_ended_approval_wants_a_new_one() -> None:
    error = landing_error(task(state=State.IN_REVIEW, branch="agent/7-fix-login"), TIP, TIP)
    assert error is not None
    assert (error.code, error.message) == ("not-approved", "cannot merge task 7: it is IN_REVIEW")
