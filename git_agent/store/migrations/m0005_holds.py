"""More holds, the tip at which work went on, and the oldest programs that may still write."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # As in the third migration: a CHECK can't be altered, and the rows stay as they are.
    "PRAGMA writable_schema=ON",
    """UPDATE sqlite_schema SET sql = replace(sql, '''stopped''',
        '''stopped'',''no_changes'',''uncommitted'',''budget'',''agent_failed''')
        WHERE type = 'table' AND name = 'task'""",
    "PRAGMA writable_schema=RESET",
    # The tip at which the last review or hold ended: a run that leaves the branch there has changed nothing.
    "ALTER TABLE task ADD COLUMN resumed_oid TEXT",
    # Programs before this migration can't read these holds. A later migration that they can't bear either raises this.
    """INSERT INTO meta (key, value) VALUES ('lowest-schema', '5')
        ON CONFLICT (key) DO UPDATE SET value = excluded.value""",
)
