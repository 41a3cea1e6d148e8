"""Places: the machine and pid namespace in which a recorded pid counts, and until when its process may be silent."""

from __future__ import annotations

# Columns that may be NULL: an older program that has the store open goes on writing rows without them.
_TABLES = ("session", "lock", "intent")

STATEMENTS: tuple[str, ...] = (
    *(f"ALTER TABLE {table} ADD COLUMN {name} TEXT" for table in _TABLES for name in ("machine", "pid_namespace")),
    # Renewed by the process. Where its pid can't be checked, it counts as gone once this time has passed. A lock has
    # taken_at for that.
    "ALTER TABLE session ADD COLUMN expires_at BIGINT",
    "ALTER TABLE intent ADD COLUMN expires_at BIGINT",
)
