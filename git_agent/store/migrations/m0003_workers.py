"""Workers that live: sessions know what they run, leases when they were missed, and a task can be stopped."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # A CHECK can't be altered: this is what https://sqlite.org/lang_altertable.html (section 7) advises for a change
    # that leaves the rows as they are. The statements below it change the schema's number, so that others read it anew.
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
    # When an expired lease was first seen; the next beat takes it away.
    "ALTER TABLE lease ADD COLUMN missed_at BIGINT",
    "CREATE INDEX message_topic ON message (topic, id) WHERE topic IS NOT NULL",
    "CREATE INDEX message_sender ON message (sender, sent_at)",
    "CREATE INDEX message_thread ON message (thread, id)",
    # By state, so that what is acknowledged is passed over, and still found for a task's log.
    "DROP INDEX delivery_open",
    "CREATE INDEX delivery_recipient ON delivery (recipient, state, message)",
    # The state or hold that a message announces: when its task leaves it, nobody has to read the message any more.
    "ALTER TABLE message ADD COLUMN until TEXT",
    "CREATE INDEX message_until ON message (task) WHERE until IS NOT NULL",
)
