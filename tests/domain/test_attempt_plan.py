"""The plan of an attempt: branch, worktree and starting point."""

from __future__ import annotations

from git_agent.domain.attempt_plan import AttemptPlan, plan_attempt
from git_agent.domain.task import State
from tests.domain.sample import task

BASE, OLD = "a" * 40, "b" * 40
WHERE = {"prefix": "agent/", "directory": "/src/app.worktrees", "base_oid": BASE}


def test_the_first_attempt_starts_from_the_base() -> None:
    place = plan_attempt(task(), heads={"main": BASE}, **WHERE)  # type: ignore[arg-type]
    assert place == AttemptPlan(1, "agent/7-fix-login", "/src/app.worktrees/7-fix-login", BASE, adopted=False)


def test_the_next_attempt_has_its_own_branch_and_starts_from_the_last_commit_of_the_one_before() -> None:
    before = task(state=State.WORKING, attempt=1, branch="agent/7-fix-login")
    place = plan_attempt(before, heads={"main": BASE, "agent/7-fix-login": OLD}, **WHERE)  # type: ignore[arg-type]
    assert place == AttemptPlan(2, "agent/7-fix-login.a2", "/src/app.worktrees/7-fix-login.a2", OLD)


def test_the_next_attempt_starts_from_the_base_when_the_old_branch_is_gone() -> None:
    before = task(attempt=1, branch="agent/7-fix-login")
    assert plan_attempt(before, heads={"main": BASE}, **WHERE).start_oid == BASE  # type: ignore[arg-type]


def test_a_branch_that_was_there_before_is_taken_as_it_is() -> None:
    place = plan_attempt(task(), heads={"main": BASE, "mine": OLD}, adopt="mine", **WHERE)  # type: ignore[arg-type]
    assert place == AttemptPlan(1, "mine", "/src/app.worktrees/7-fix-login", OLD, adopted=True)
