"""What can be undone: found without looking through the history."""

STATEMENTS = (
    # An event that names its operation can be undone. The condition of each index is how queries must write it.
    "CREATE INDEX event_undoable ON event (seq) WHERE json_extract(data, '$.operation') IS NOT NULL",
    """CREATE INDEX event_operation ON event (json_extract(data, '$.operation'))
        WHERE json_extract(data, '$.operation') IS NOT NULL""",
    # Unique: of two that undo one event at once, one does it.
    """CREATE UNIQUE INDEX event_undoes ON event (json_extract(data, '$.undoes'))
        WHERE json_extract(data, '$.undoes') IS NOT NULL""",
)
