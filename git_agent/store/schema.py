"""The tables as peewee models. The migrations create columns and CHECKs; a test compares the two.

Times are milliseconds since the epoch, from the database's clock. Paths are encoded; see sql.encode_path.
"""

from __future__ import annotations

from typing import Any

from git_agent.store.orm import peewee


class _Table(peewee.Model):
    class Meta:
        legacy_table_names = False


class MetaRow(_Table):
    """A named value about the store itself."""

    key = peewee.TextField(primary_key=True)
    value = peewee.TextField()

    class Meta:
        table_name = "meta"


class TaskRow(_Table):
    """One task. See domain.task.Task."""

    id = peewee.AutoField()
    name = peewee.TextField()
    name_key = peewee.TextField()
    title = peewee.TextField()
    body = peewee.TextField(default="")
    state = peewee.TextField()
    hold = peewee.TextField(null=True)
    priority = peewee.IntegerField()
    base = peewee.TextField()
    base_oid = peewee.TextField(null=True)
    branch = peewee.TextField(null=True)
    worktree = peewee.TextField(null=True)
    head_oid = peewee.TextField(null=True)
    reviewed_oid = peewee.TextField(null=True)
    reviewer = peewee.TextField(null=True)
    merged_oid = peewee.TextField(null=True)
    merged_by = peewee.TextField(null=True)
    attempt = peewee.IntegerField(default=0)
    epoch = peewee.IntegerField(default=0)
    version = peewee.IntegerField(default=0)
    unresolved = peewee.IntegerField(default=0)
    agent = peewee.TextField(null=True)
    reason = peewee.TextField(null=True)
    check_command = peewee.TextField(null=True)
    not_before = peewee.BigIntegerField(null=True)
    base_seen = peewee.TextField(null=True)
    worked = peewee.IntegerField(default=0)
    created_at = peewee.BigIntegerField()
    state_at = peewee.BigIntegerField()
    settled_oid = peewee.TextField(null=True)
    pushed_oid = peewee.TextField(null=True)
    pushed_ref = peewee.TextField(null=True)
    upstream_seen = peewee.TextField(null=True)
    likely_oid = peewee.TextField(null=True)
    reverted_oid = peewee.TextField(null=True)
    amiss = peewee.TextField(null=True)
    resumed_oid = peewee.TextField(null=True)

    class Meta:
        table_name = "task"


class DependencyRow(_Table):
    """`task` waits for `parent`."""

    task = peewee.IntegerField()
    parent = peewee.IntegerField()

    class Meta:
        table_name = "task_dep"
        primary_key = peewee.CompositeKey("task", "parent")


class AttemptRow(_Table):
    """One try at a task: its branch, worktree and epoch.

    admin: the worktree's name under worktrees/
    """

    task = peewee.IntegerField()
    number = peewee.IntegerField()
    epoch = peewee.IntegerField()
    branch = peewee.TextField()
    worktree = peewee.TextField(null=True)
    admin = peewee.TextField(null=True)
    start_oid = peewee.TextField()
    adopted = peewee.IntegerField(default=0)
    removed = peewee.IntegerField(default=0)
    started_at = peewee.BigIntegerField()
    head_oid = peewee.TextField(null=True)

    class Meta:
        table_name = "attempt"
        primary_key = peewee.CompositeKey("task", "number")


class LeaseRow(_Table):
    """A worker's beats and progress. Rows change often."""

    task = peewee.IntegerField(primary_key=True)
    kind = peewee.TextField()
    session = peewee.IntegerField(null=True)
    beat_at = peewee.BigIntegerField()
    progress_at = peewee.BigIntegerField()
    expires_at = peewee.BigIntegerField(null=True)
    note = peewee.TextField(null=True)
    missed_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "lease"


class SessionRow(_Table):
    """One incarnation of a worker.

    token: the SHA-256 of the secret in its environment
    """

    id = peewee.AutoField()
    task = peewee.IntegerField()
    epoch = peewee.IntegerField()
    host = peewee.TextField()
    boot_id = peewee.TextField()
    pid = peewee.IntegerField()
    pid_start = peewee.BigIntegerField()
    token = peewee.TextField(null=True)
    started_at = peewee.BigIntegerField()
    ended_at = peewee.BigIntegerField(null=True)
    attempt = peewee.IntegerField(null=True)
    agent = peewee.TextField(null=True)
    command = peewee.TextField(null=True)
    child_pid = peewee.IntegerField(null=True)
    child_start = peewee.BigIntegerField(null=True)
    stopped_by = peewee.TextField(null=True)
    machine = peewee.TextField(null=True)
    pid_namespace = peewee.TextField(null=True)
    expires_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "session"


class EventRow(_Table):
    """One event. Rows are only appended."""

    seq = peewee.AutoField()
    at = peewee.BigIntegerField()
    kind = peewee.TextField()
    task = peewee.IntegerField(null=True)
    actor = peewee.TextField()
    source = peewee.TextField(null=True)
    target = peewee.TextField(null=True)
    epoch = peewee.IntegerField(null=True)
    version = peewee.IntegerField(null=True)
    data = peewee.TextField(default="{}")

    class Meta:
        table_name = "event"


class MessageRow(_Table):
    """One message."""

    id = peewee.AutoField()
    sender = peewee.TextField()
    task = peewee.IntegerField(null=True)
    topic = peewee.TextField(null=True)
    thread = peewee.IntegerField(null=True)
    reply_to = peewee.IntegerField(null=True)
    urgent = peewee.IntegerField(default=0)
    needs_ack = peewee.IntegerField(default=0)
    body = peewee.TextField()
    verified = peewee.IntegerField(default=0)
    sent_at = peewee.BigIntegerField()
    until = peewee.TextField(null=True)

    class Meta:
        table_name = "message"


class DeliveryRow(_Table):
    """The state of a message for one recipient."""

    message = peewee.IntegerField()
    recipient = peewee.TextField()
    state = peewee.TextField(default="new")
    seen_at = peewee.BigIntegerField(null=True)
    acked_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "delivery"
        primary_key = peewee.CompositeKey("message", "recipient")


class PathClaimRow(_Table):
    """A pathspec that a task intends to change."""

    task = peewee.IntegerField()
    pathspec = peewee.TextField()

    class Meta:
        table_name = "path_claim"
        primary_key = peewee.CompositeKey("task", "pathspec")


class ClashRow(_Table):
    """The result of merging commit b into commit a.

    paths: a JSON array of the paths in conflict, None for a clean merge
    """

    a = peewee.TextField()
    b = peewee.TextField()
    terms = peewee.TextField()
    paths = peewee.TextField(null=True)
    at = peewee.BigIntegerField()

    class Meta:
        table_name = "clash"
        primary_key = peewee.CompositeKey("a", "b")


class LockRow(_Table):
    """A named lock. The fence grows with every holder."""

    name = peewee.TextField(primary_key=True)
    fence = peewee.IntegerField()
    host = peewee.TextField(null=True)
    boot_id = peewee.TextField(null=True)
    pid = peewee.IntegerField(null=True)
    pid_start = peewee.BigIntegerField(null=True)
    taken_at = peewee.BigIntegerField(null=True)
    machine = peewee.TextField(null=True)
    pid_namespace = peewee.TextField(null=True)

    class Meta:
        table_name = "lock"


class IntentRow(_Table):
    """What a command is about to do in git. Recording the result deletes the row.

    Recovery finishes the work of a dead owner or rolls it back.
    """

    id = peewee.AutoField()
    kind = peewee.TextField()
    task = peewee.IntegerField()
    data = peewee.TextField()
    host = peewee.TextField()
    boot_id = peewee.TextField()
    pid = peewee.IntegerField()
    pid_start = peewee.BigIntegerField()
    at = peewee.BigIntegerField()
    machine = peewee.TextField(null=True)
    pid_namespace = peewee.TextField(null=True)
    expires_at = peewee.BigIntegerField(null=True)

    class Meta:
        table_name = "intent"


TABLES: tuple[Any, ...] = tuple(_Table.__subclasses__())
