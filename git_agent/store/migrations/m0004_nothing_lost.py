"""Undo and forecasts: find what can be undone without reading the whole history, and cache predicted conflicts."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # An event that names its operation can be undone. The condition of each index is how queries must write it.
    "CREATE INDEX event_undoable ON event (seq) WHERE json_extract(data, '$.operation') IS NOT NULL",
    """CREATE INDEX event_operation ON event (json_extract(data, '$.operation'))
        WHERE json_extract(data, '$.operation') IS NOT NULL""",
    # Unique: of two processes that undo the same event at once, only one succeeds.
    """CREATE UNIQUE INDEX event_undoes ON event (json_extract(data, '$.undoes'))
        WHERE json_extract(data, '$.undoes') IS NOT NULL""",
    # The result of merging b into a: NULL if clean, else the paths as a JSON array (empty: unrelated histories).
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
