"""Liveness: a session records what it runs, a lease records when it was missed, and a task can be stopped."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # A CHECK can't be altered: this is what https://sqlite.org/lang_altertable.html (section 7) advises for a change
    # that leaves the rows as they are. The statements below change the schema's number, so that others read it again.
    "PRAGMA writable_schema=ON",
    """UPDATE sqlite_schema SET sql = replace(sql, '''no_commits''', '''no_commits'',''stopped''')
        WHERE type = 'table' AND name = 'task'""",
    "PRAGMA writable_schema=RESET",
    # The attempt that a session works on, the agent's name, the command as it is shown.
    "ALTER TABLE session ADD COLUMN attempt INTEGER",
    "ALTER TABLE session ADD COLUMN agent TEXT",
    "ALTER TABLE session ADD COLUMN command TEXT",
    # The leader of the process group that the supervisor owns, on the supervisor's host and boot.
    "ALTER TABLE session ADD COLUMN child_pid INTEGER",
    "ALTER TABLE session ADD COLUMN child_start BIGINT",
    # Who asked it to end, with `stop`.
    "ALTER TABLE session ADD COLUMN stopped_by TEXT",
    "CREATE INDEX session_open ON session (task) WHERE ended_at IS NULL",
    # When an expired lease was first seen; the next beat clears it.
    "ALTER TABLE lease ADD COLUMN missed_at BIGINT",
    "CREATE INDEX message_topic ON message (topic, id) WHERE topic IS NOT NULL",
    "CREATE INDEX message_sender ON message (sender, sent_at)",
    "CREATE INDEX message_thread ON message (thread, id)",
    # Includes the state: a query can skip acknowledged deliveries, which a task's log still finds.
    "DROP INDEX delivery_open",
    "CREATE INDEX delivery_recipient ON delivery (recipient, state, message)",
    # The state or hold that a message announces: once its task leaves it, nobody needs to read the message.
    "ALTER TABLE message ADD COLUMN until TEXT",
    "CREATE INDEX message_until ON message (task) WHERE until IS NOT NULL",
)
