"""The driver that all tests of a process share, and the worlds that it prepares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import Driver, Worlds, driver


@pytest.fixture(scope="session")
def hurting(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """Return the driver; started after the environment was sealed."""
    with open(tmp_path_factory.mktemp("driver") / "log", "w") as log, driver(log) as made:
        yield made


@pytest.fixture(scope="session")
def worlds(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """Return what makes a scene's world, or puts it back."""
    return Worlds(template, tmp_path_factory.mktemp("worlds"))
