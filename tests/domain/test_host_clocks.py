"""Host clocks: sleep, a reboot and a clock change are each detected once; ordinary running is not."""

from __future__ import annotations

import pytest

from git_agent.domain.host_clocks import ClockReading, ClockState, update_clocks

LEASE_S = 60.0
DAY = 86_400_000
START = ClockReading("box", "boot 1", 1_800_000_000_000, 500_000, 500_000)
SEEN = update_clocks(None, START, LEASE_S)


def later(ms: int, *, slept: int = 0, wall: int = 0) -> ClockReading:
    return START._replace(wall=START.wall + ms + slept + wall, boot=START.boot + ms + slept, awake=START.awake + ms)


def test_a_host_that_never_looked_is_patient_for_one_lease() -> None:
    assert SEEN.patient(later(59_999)) and not SEEN.patient(later(60_000))


@pytest.mark.parametrize("ms", [0, 1, 60_000, 300 * DAY])
def test_a_host_that_merely_runs_has_nothing_to_remember(ms: int) -> None:
    assert update_clocks(SEEN, later(ms), LEASE_S) is SEEN


@pytest.mark.parametrize("moved", [{"slept": 5000}, {"wall": 5000}, {"wall": -5000}])
def test_a_few_seconds_are_no_jump(moved: dict[str, int]) -> None:
    assert update_clocks(SEEN, later(DAY, **moved), LEASE_S) is SEEN


@pytest.mark.parametrize("moved", [{"slept": 5001}, {"slept": DAY}, {"wall": 5001}, {"wall": DAY}, {"wall": -DAY}])
def test_sleep_and_a_set_wall_clock_make_patient_for_one_lease_once(moved: dict[str, int]) -> None:
    woken = later(DAY, **moved)
    found = update_clocks(SEEN, woken, LEASE_S)
    assert found is not SEEN and found.patient(woken)
    after = later(DAY + 60_000, **moved)
    assert update_clocks(found, after, LEASE_S) is found and not found.patient(after)


def test_small_jumps_add_up() -> None:
    assert update_clocks(SEEN, later(DAY, slept=3000), LEASE_S) is SEEN
    assert update_clocks(SEEN, later(2 * DAY, slept=6000), LEASE_S) is not SEEN


def test_a_new_boot_makes_patient() -> None:
    booted = ClockReading("box", "boot 2", START.wall + DAY, 20_000, 20_000)
    found = update_clocks(SEEN, booted, LEASE_S)
    assert found == ClockState("boot 2", 0, START.wall + DAY - 20_000, 80_000)
    assert update_clocks(found, booted._replace(boot=25_000, awake=25_000, wall=booted.wall + 5000), LEASE_S) is found


def test_a_new_boot_is_told_by_its_name_alone_too() -> None:
    assert update_clocks(SEEN, later(60_000)._replace(boot_id="boot 2"), LEASE_S) is not SEEN
