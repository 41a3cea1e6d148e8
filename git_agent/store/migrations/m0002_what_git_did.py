"""What reconcile must remember about git from one run to the next."""

from __future__ import annotations

STATEMENTS: tuple[str, ...] = (
    # The tip at which the last review or hold ended: pushing it again does not hand the task in.
    "ALTER TABLE task ADD COLUMN settled_oid TEXT",
    # The tip that was last seen on a remote, and the remote-tracking ref (or the URL) where it was.
    "ALTER TABLE task ADD COLUMN pushed_oid TEXT",
    "ALTER TABLE task ADD COLUMN pushed_ref TEXT",
    # The base's upstream at the last check.
    "ALTER TABLE task ADD COLUMN upstream_seen TEXT",
    # The base's commit at which the task was likely merged, although git can't prove it.
    "ALTER TABLE task ADD COLUMN likely_oid TEXT",
    # The base's commit that reverts the merge.
    "ALTER TABLE task ADD COLUMN reverted_oid TEXT",
    # What was last found to be wrong with the branch or worktree.
    "ALTER TABLE task ADD COLUMN amiss TEXT",
    # The tip of an attempt that is not the current one, at the last check.
    "ALTER TABLE attempt ADD COLUMN head_oid TEXT",
)
