"""Nothing is lost, and conflicts are foreseen."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # What merging b into a gives: NULL for a clean merge, else the paths as a JSON array (none: unrelated histories).
    # terms: the hash of what else the result depends on, attributes and configuration.
    """CREATE TABLE clash (
        a TEXT NOT NULL,
        b TEXT NOT NULL,
        terms TEXT NOT NULL,
        paths TEXT,
        at BIGINT NOT NULL,
        PRIMARY KEY (a, b)
    ) WITHOUT ROWID""",
)
