"""Liveness is computed from ages: each threshold is tested on both sides."""

from __future__ import annotations

import pytest

from git_agent.domain.lease import Lease, Liveness, duration_s, is_stalled, liveness

NOW = 1_800_000_000_000
MIN = 60.0


def lease(kind: str, *, beat: float = 0.0, progress: float = 0.0) -> Lease:
    """Return a lease whose last beat and progress are so many seconds ago."""
    return Lease(7, kind, NOW - round(beat * 1000), NOW - round(progress * 1000), None)


def test_nobody_is_neither_alive_nor_dead() -> None:
    assert liveness(None, NOW) is Liveness.NONE
    assert not is_stalled(None, NOW)


@pytest.mark.parametrize(
    ("age", "word"),
    [(0, "alive"), (29.999, "alive"), (30, "late"), (99.999, "late"), (100, "stale"), (1e6, "stale")],
)
def test_a_supervised_worker_is_late_after_3_beats_and_stale_after_10(age: float, word: str) -> None:
    assert liveness(lease("run", beat=age), NOW) == word


@pytest.mark.parametrize("kind", ["claim", "hand"])
@pytest.mark.parametrize(
    ("age", "word"),
    [
        (0, "alive"),
        (22.5 * MIN - 0.001, "alive"),
        (22.5 * MIN, "late"),
        (45 * MIN - 0.001, "late"),
        (45 * MIN, "stale"),
    ],
)
def test_an_unsupervised_worker_is_late_at_half_its_lease_and_stale_at_its_end(
    kind: str, age: float, word: str
) -> None:
    assert liveness(lease(kind, beat=age), NOW) == word


def test_the_configured_beat_and_lease_are_used() -> None:
    assert liveness(lease("run", beat=6), NOW, beat_s=2) is Liveness.LATE
    assert liveness(lease("run", beat=20), NOW, beat_s=2) is Liveness.STALE
    assert liveness(lease("claim", beat=30), NOW, lease_s=60) is Liveness.LATE
    assert liveness(lease("claim", beat=60), NOW, lease_s=60) is Liveness.STALE


@pytest.mark.parametrize("kind", ["run", "claim", "hand"])
def test_no_age_alone_makes_a_worker_dead(kind: str) -> None:
    assert liveness(lease(kind, beat=1e9), NOW) is Liveness.STALE


@pytest.mark.parametrize("kind", ["run", "claim", "hand"])
def test_a_clock_that_went_back_makes_nobody_late(kind: str) -> None:
    assert liveness(lease(kind, beat=-86400), NOW) is Liveness.ALIVE
    assert not is_stalled(lease(kind, progress=-86400), NOW)


def test_a_worker_is_stalled_after_15_minutes_without_progress_whatever_its_beat() -> None:
    assert not is_stalled(lease("run", progress=15 * MIN - 0.001), NOW)
    assert is_stalled(lease("run", progress=15 * MIN), NOW)
    assert not is_stalled(lease("run", beat=1e6, progress=0), NOW)
    assert is_stalled(lease("run", progress=60), NOW, limit_s=60)


@pytest.mark.parametrize("kind", ["run", "claim", "hand"])
def test_whose_process_is_proved_gone_is_dead_however_fresh_the_beat(kind: str) -> None:
    assert liveness(lease(kind), NOW, gone=True) is Liveness.DEAD
    assert liveness(None, NOW, gone=True) is Liveness.NONE


def test_a_beat_renews_by_12_beats_under_supervision_by_the_lease_in_the_queue_and_by_hand_never_ends() -> None:
    assert duration_s("run") == 120 and duration_s("run", beat_s=2) == 24
    assert duration_s("claim") == 45 * MIN and duration_s("claim", lease_s=60) == 60
    assert duration_s("hand") is None
