"""Random histories of tasks and plain git keep the promises: nothing is lost, only what was approved lands, no lies.

In the long form, FUZZ_SEED=N plays the histories of that seed, and FUZZ_SECONDS=S plays for so long.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.faults.promises.fuzzer import Broken, History, by_chance, prepared, shrink
from tests.faults.promises.planted import ERRORS, may_mount, planted
from tests.faults.world import World

STEPS = 30
QUICK = ("ahead counts from the base",)


def fuzz(
    world: World, seed: int, histories: int, steps: int, *, until: float = math.inf, only: Collection[str] = ()
) -> Broken | None:
    """Play histories until one is broken; return it."""
    for number in range(histories):
        if time.monotonic() >= until:
            break
        if broken := History(world, f"{seed} {number}").play(by_chance(steps, only)):
            return broken
    return None


@pytest.mark.timeout(0)
def test_random_histories_keep_the_promises(tmp_path: Path, every_step: bool) -> None:
    world = prepared(tmp_path / "world")
    if every_step:
        seed = int(os.environ.get("FUZZ_SEED") or int.from_bytes(os.urandom(4)))
        seconds = float(os.environ.get("FUZZ_SECONDS") or 600)
        broken = fuzz(world, seed, 10**9, STEPS, until=time.monotonic() + seconds)
    else:
        seed = int(os.environ.get("FUZZ_SEED") or 1)
        broken = fuzz(world, seed, 1, STEPS // 2)
    if broken is not None:
        short = shrink(world, broken)
        pytest.fail("\n".join([f"FUZZ_SEED={seed}", *short.lines, short.script()]))


@pytest.mark.timeout(0)
def test_random_histories_find_planted_errors(tmp_path: Path, every_step: bool) -> None:
    for name in ERRORS if every_step else QUICK:
        error, root = ERRORS[name], tmp_path / name
        if error.mounts and not may_mount(tmp_path):
            continue
        with planted(error, root):
            broken = fuzz(prepared(root / "world"), 1, 20, STEPS, only=error.moves)
        assert broken is not None and broken.kinds & error.kinds, (name, broken)
