"""Nothing is lost: what can be undone is found without looking through the history, and conflicts are foreseen."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # An event that names its operation can be undone. The condition of each index is how queries must write it.
    "CREATE INDEX event_undoable ON event (seq) WHERE json_extract(data, '$.operation') IS NOT NULL",
    """CREATE INDEX event_operation ON event (json_extract(data, '$.operation'))
        WHERE json_extract(data, '$.operation') IS NOT NULL""",
    # Unique: of two that undo one event at once, one does it.
    """CREATE UNIQUE INDEX event_undoes ON event (json_extract(data, '$.undoes'))
        WHERE json_extract(data, '$.undoes') IS NOT NULL""",
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
