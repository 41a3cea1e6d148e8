"""The first schema."""

from __future__ import annotations

_STATES = "'OPEN','ASSIGNED','WORKING','IN_REVIEW','APPROVED','COMPLETED','FAILED','CANCELLED'"
_LIVE = "'ASSIGNED','WORKING','IN_REVIEW','APPROVED'"
_HOLDS = "'needs_input','conflict','changes_requested','check_failed','no_commits'"
_OWNER = "host TEXT NOT NULL, boot_id TEXT NOT NULL, pid INTEGER NOT NULL, pid_start BIGINT NOT NULL"

STATEMENTS: tuple[str, ...] = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)",
    f"""CREATE TABLE task (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL CHECK (name <> ''),
        name_key TEXT NOT NULL,
        title TEXT NOT NULL,
        body TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ({_STATES})),
        hold TEXT CHECK (hold IN ({_HOLDS})),
        priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 4),
        base TEXT NOT NULL,
        base_oid TEXT,
        branch TEXT,
        worktree TEXT,
        head_oid TEXT,
        reviewed_oid TEXT,
        reviewer TEXT,
        merged_oid TEXT,
        merged_by TEXT CHECK (merged_by IN ('merge','squash','rebase','ff')),
        attempt INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        version INTEGER NOT NULL,
        unresolved INTEGER NOT NULL CHECK (unresolved >= 0),
        agent TEXT,
        reason TEXT,
        check_command TEXT,
        not_before BIGINT,
        base_seen TEXT,
        worked INTEGER NOT NULL CHECK (worked IN (0,1)),
        created_at BIGINT NOT NULL,
        state_at BIGINT NOT NULL,
        CHECK (hold IS NULL OR state = 'WORKING'),
        CHECK (state NOT IN ({_LIVE}) OR (branch IS NOT NULL AND attempt > 0 AND epoch > 0)),
        CHECK (state <> 'APPROVED' OR reviewed_oid IS NOT NULL)
    )""",
    "CREATE UNIQUE INDEX task_name ON task (name_key) WHERE state NOT IN ('COMPLETED','CANCELLED')",
    "CREATE INDEX task_name_any ON task (name_key)",
    "CREATE INDEX task_branch ON task (branch)",
    "CREATE INDEX task_unfinished ON task (state, priority, id) WHERE state NOT IN ('COMPLETED','CANCELLED')",
    """CREATE TABLE task_dep (
        task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
        parent INTEGER NOT NULL REFERENCES task (id),
        PRIMARY KEY (task, parent),
        CHECK (task <> parent)
    ) WITHOUT ROWID""",
    "CREATE INDEX task_dep_parent ON task_dep (parent)",
    """CREATE TABLE attempt (
        task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        branch TEXT NOT NULL,
        worktree TEXT,
        admin TEXT,
        start_oid TEXT NOT NULL,
        adopted INTEGER NOT NULL CHECK (adopted IN (0,1)),
        removed INTEGER NOT NULL CHECK (removed IN (0,1)),
        started_at BIGINT NOT NULL,
        PRIMARY KEY (task, number)
    ) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX attempt_worktree ON attempt (worktree) WHERE worktree IS NOT NULL",
    "CREATE UNIQUE INDEX attempt_admin ON attempt (admin) WHERE admin IS NOT NULL",
    "CREATE INDEX attempt_branch ON attempt (branch)",
    "CREATE INDEX attempt_present ON attempt (task) WHERE removed = 0",
    f"""CREATE TABLE session (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
        epoch INTEGER NOT NULL,
        {_OWNER},
        token TEXT UNIQUE,
        started_at BIGINT NOT NULL,
        ended_at BIGINT
    )""",
    """CREATE TABLE lease (
        task INTEGER PRIMARY KEY NOT NULL REFERENCES task (id) ON DELETE CASCADE,
        kind TEXT NOT NULL CHECK (kind IN ('run','claim','hand')),
        session INTEGER REFERENCES session (id),
        beat_at BIGINT NOT NULL,
        progress_at BIGINT NOT NULL,
        expires_at BIGINT,
        note TEXT,
        CHECK ((kind = 'hand') = (expires_at IS NULL))
    )""",
    f"""CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        at BIGINT NOT NULL,
        kind TEXT NOT NULL,
        task INTEGER,
        actor TEXT NOT NULL,
        source TEXT CHECK (source IN ({_STATES})),
        target TEXT CHECK (target IN ({_STATES})),
        epoch INTEGER,
        version INTEGER,
        data TEXT NOT NULL CHECK (json_valid(data))
    )""",
    "CREATE INDEX event_task ON event (task, seq)",
    "CREATE INDEX event_at ON event (at)",
    "CREATE UNIQUE INDEX event_version ON event (task, version) WHERE version IS NOT NULL",
    """CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        sender TEXT NOT NULL,
        task INTEGER,
        topic TEXT,
        thread INTEGER,
        reply_to INTEGER,
        urgent INTEGER NOT NULL CHECK (urgent IN (0,1)),
        needs_ack INTEGER NOT NULL CHECK (needs_ack IN (0,1)),
        body TEXT NOT NULL,
        verified INTEGER NOT NULL CHECK (verified IN (0,1)),
        sent_at BIGINT NOT NULL
    )""",
    "CREATE INDEX message_task ON message (task, id)",
    """CREATE TABLE delivery (
        message INTEGER NOT NULL REFERENCES message (id) ON DELETE CASCADE,
        recipient TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('new','seen','acked')),
        seen_at BIGINT,
        acked_at BIGINT,
        PRIMARY KEY (message, recipient)
    ) WITHOUT ROWID""",
    "CREATE INDEX delivery_open ON delivery (recipient, message) WHERE state <> 'acked'",
    """CREATE TABLE path_claim (
        task INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
        pathspec TEXT NOT NULL,
        PRIMARY KEY (task, pathspec)
    ) WITHOUT ROWID""",
    """CREATE TABLE lock (
        name TEXT PRIMARY KEY NOT NULL,
        fence INTEGER NOT NULL,
        host TEXT,
        boot_id TEXT,
        pid INTEGER,
        pid_start BIGINT,
        taken_at BIGINT
    ) WITHOUT ROWID""",
    f"""CREATE TABLE intent (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        task INTEGER NOT NULL,
        data TEXT NOT NULL CHECK (json_valid(data)),
        {_OWNER},
        at BIGINT NOT NULL
    )""",
    # A task has one owner of git steps at a time: two merges, or a merge and an rm, can't be under way together.
    "CREATE UNIQUE INDEX intent_task ON intent (task)",
    """CREATE TRIGGER event_append_only_update BEFORE UPDATE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
    """CREATE TRIGGER event_append_only_delete BEFORE DELETE ON event
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
)
