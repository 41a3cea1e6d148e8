"""Nothing: this number is reserved for a change that is made at the same time."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = ()
