"""Recovery from a step whose process died, for every possible observation."""

from __future__ import annotations

from itertools import product

import pytest

from git_agent.domain.recovery import Recovery, StepProgress, choose_recovery

# kind, the merge landed, something of the removal is gone
FINISHED = {("merge", True, False), ("merge", True, True), ("remove", False, True), ("remove", True, True)}


@pytest.mark.parametrize(
    ("kind", "landed", "removed"), list(product(["spawn", "merge", "remove"], [False, True], [False, True]))
)
def test_only_what_can_not_be_undone_is_finished(kind: str, landed: bool, removed: bool) -> None:
    expected = Recovery.FINISH if (kind, landed, removed) in FINISHED else Recovery.ROLL_BACK
    assert choose_recovery(kind, StepProgress(landed=landed, removed=removed)) is expected


@pytest.mark.parametrize("withdrawn", [False, True])
def test_an_undo_is_finished_once_the_base_was_set_back(withdrawn: bool) -> None:
    expected = Recovery.FINISH if withdrawn else Recovery.ROLL_BACK
    assert choose_recovery("undo", StepProgress(withdrawn=withdrawn)) is expected


def test_nothing_observed_means_nothing_happened() -> None:
    assert StepProgress() == StepProgress(landed=False, removed=False)
