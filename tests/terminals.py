"""Pseudo-terminals for tests: a container may have none."""

from __future__ import annotations

import os

import pytest


def opened() -> tuple[int, int]:
    """Open a pseudo-terminal, return master and slave; skip the test where none can be had."""
    try:
        return os.openpty()
    except OSError as error:
        pytest.skip(f"no terminal can be had here ({error.strerror}): is /dev/pts mounted?")


def needed() -> None:
    """Skip the test where no terminal can be had."""
    for fd in opened():
        os.close(fd)
