"""Name what one command does, so that `undo` takes it back as one."""

from __future__ import annotations

import os


def new_operation() -> str:
    """Return a name that no other operation has; events with the same one in their data are undone together."""
    return os.urandom(8).hex()
