"""Which workers count as dead: each rule is tested on both sides."""

from __future__ import annotations

from typing import Any

import pytest

from git_agent.domain.lease import Lease, is_overdue
from git_agent.domain.process_id import ProcessId
from git_agent.domain.reaping import Judgement, LeaseDecision, Presence, back_off_s, death_reason, judge_leases

NOW = 1_800_000_000_000
BEAT_S, LEASE_S = 10.0, 2700.0
MIN = 60_000
PRESENT, GONE, UNKNOWN = Presence.PRESENT, Presence.GONE, Presence.UNKNOWN
LEAVE, NOTE, REAP = LeaseDecision.LEAVE, LeaseDecision.NOTE, LeaseDecision.REAP


def lease(task: int = 1, *, missed_s: float | None = None, **columns: Any) -> Lease:
    """Return a lease that expired a minute ago; missed_s: how many seconds ago that was first seen."""
    missed = None if missed_s is None else NOW - round(missed_s * 1000)
    values = {"kind": "claim", "beat_at": NOW - 52 * MIN, "progress_at": NOW - 52 * MIN, "expires_at": NOW - MIN}
    return Lease(**{"task": task, "missed_at": missed, **values, **columns})


def judged(*expired: tuple[Lease, Presence], patient: bool = False, crowd_at: int = 0) -> Judgement:
    return judge_leases(expired, NOW, beat_s=BEAT_S, lease_s=LEASE_S, patient=patient, crowd_at=crowd_at)


def verdict(found: Presence, missed_s: float | None, **how: Any) -> LeaseDecision:
    return judged((lease(missed_s=missed_s), found), **how).verdicts[1]


@pytest.mark.parametrize(
    ("columns", "overdue"),
    [
        ({"expires_at": NOW + 1}, False),
        ({"expires_at": NOW}, True),
        ({"expires_at": None, "beat_at": 0}, False),
        ({"expires_at": None, "beat_at": NOW + 2 * MIN}, False),
        ({"expires_at": NOW + 60 * MIN, "beat_at": NOW + MIN}, False),
        ({"expires_at": NOW + 60 * MIN, "beat_at": NOW + MIN + 1}, True),
    ],
)
def test_a_lease_is_overdue_at_its_end_or_when_it_was_written_in_the_future(
    columns: dict[str, Any], overdue: bool
) -> None:
    assert is_overdue(lease(**columns), NOW) is overdue


@pytest.mark.parametrize("missed_s", [None, 0, 9.999, 10, 1e6])
@pytest.mark.parametrize("patient", [True, False])
def test_a_process_that_is_gone_is_dead_and_one_that_is_there_is_not_however_silent(
    missed_s: float | None, patient: bool
) -> None:
    assert verdict(GONE, missed_s, patient=patient) is REAP
    assert verdict(PRESENT, missed_s, patient=patient) is LEAVE


@pytest.mark.parametrize(("missed_s", "wanted"), [(None, NOTE), (0, LEAVE), (9.999, LEAVE), (10, REAP), (1e6, REAP)])
def test_who_can_not_be_asked_for_must_be_missed_twice_a_beat_apart(
    missed_s: float | None, wanted: LeaseDecision
) -> None:
    assert verdict(UNKNOWN, missed_s) is wanted


def test_a_sighting_in_the_future_was_written_before_the_clock_was_set_back_and_counts_anew() -> None:
    assert verdict(UNKNOWN, -1) is NOTE


@pytest.mark.parametrize(("missed_s", "wanted"), [(None, NOTE), (10, LEAVE), (1e6, LEAVE)])
def test_while_the_host_may_have_slept_nobody_is_reaped_unasked(missed_s: float | None, wanted: LeaseDecision) -> None:
    assert verdict(UNKNOWN, missed_s, patient=True) is wanted


@pytest.mark.parametrize(
    ("missed", "crowd"),
    [
        ([None, None], False),
        ([None, None, None], True),
        ([None, 0, 30], True),
        ([None, 0, 30.001], False),
        ([None, None, 1e6], False),
        ([0, 0, 0], False),  # they were noted already
        ([10, 20, 30], False),
    ],
)
def test_three_first_missed_within_30_seconds_are_a_crowd(missed: list[float | None], crowd: bool) -> None:
    found = judged(*((lease(task, missed_s=s), UNKNOWN) for task, s in enumerate(missed, 1)))
    assert found.crowd is crowd
    if crowd:
        assert REAP not in found.verdicts.values()


def test_those_who_were_asked_for_are_no_crowd() -> None:
    expired = [(lease(1), UNKNOWN), (lease(2), GONE), (lease(3), GONE), (lease(4), PRESENT), (lease(5), UNKNOWN)]
    found = judged(*expired)
    assert not found.crowd
    assert found.verdicts == {1: NOTE, 2: REAP, 3: REAP, 4: LEAVE, 5: NOTE}


@pytest.mark.parametrize(
    ("crowd_s", "wanted"),
    [(0, LEAVE), (LEASE_S - 0.001, LEAVE), (LEASE_S, REAP), (-60, LEAVE), (-60.001, REAP)],
)
def test_a_crowd_makes_patient_for_one_lease_once(crowd_s: float, wanted: LeaseDecision) -> None:
    # One of the crowd that beat again leaves two: these are waited for all the same.
    crowd_at = NOW - round(crowd_s * 1000)
    assert verdict(UNKNOWN, 100, crowd_at=crowd_at) is wanted


def test_the_next_attempt_waits_twice_as_long_each_time_and_an_hour_at_most() -> None:
    assert [back_off_s(n) for n in (1, 2, 3, 7, 8, 9, 5000)] == [30, 60, 120, 1920, 3600, 3600, 3600]


def test_it_is_said_why() -> None:
    supervised = lease(kind="run", session=3, owner=ProcessId("box", "boot", 1234, 5))
    assert death_reason(supervised, GONE, NOW) == "process 1234 is gone"
    assert death_reason(lease(), UNKNOWN, NOW) == "silent for 52m"
    assert death_reason(lease(beat_at=NOW + 5), UNKNOWN, NOW) == "silent for 0s"
