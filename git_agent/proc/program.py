"""Which file starts git-agent: hooks and background looks need its absolute path."""

from __future__ import annotations

import os
import shutil
import sys

_NAME = "git-agent"


def own() -> str:
    """Return the absolute path of the git-agent that runs, as it was called: an installer's link survives upgrades."""
    called = sys.argv[0]
    beside = os.path.join(os.path.dirname(sys.executable), _NAME)
    for path in (called if os.path.basename(called) == _NAME else "", beside, shutil.which(_NAME) or ""):
        if os.path.isabs(path) and os.access(path, os.X_OK):
            return path
    return os.path.abspath(called)


def recorded(store_dir: str) -> str | None:
    """Return the program that the hooks start, None when none is recorded or it is gone."""
    try:
        with open(os.path.join(store_dir, "program"), "rb") as file:
            path = os.fsdecode(file.readline().rstrip(b"\n"))
    except OSError:
        return None
    return path if os.path.isabs(path) and os.access(path, os.X_OK) else None
