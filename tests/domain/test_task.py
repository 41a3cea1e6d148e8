"""The task as a value."""

from __future__ import annotations

import pytest

from git_agent.domain.task import State
from tests.domain.sample import task


@pytest.mark.parametrize("state", list(State))
def test_a_task_is_live_while_a_worker_or_a_reviewer_has_it(state: State) -> None:
    assert task(state=state).live == (state in ("ASSIGNED", "WORKING", "IN_REVIEW", "APPROVED"))


def test_a_task_is_named_by_its_id_in_a_sentence() -> None:
    assert task(id=12).label == "task 12"


def test_a_task_that_was_read_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        task().state = State.WORKING  # type: ignore[misc]
