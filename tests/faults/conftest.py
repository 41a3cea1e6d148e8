"""The driver that all tests of a process share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import Driver, driver


@pytest.fixture(scope="session")
def hurting(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    """Return the driver; started after the environment was sealed."""
    with open(tmp_path_factory.mktemp("driver") / "log", "w") as log, driver(log) as made:
        yield made
