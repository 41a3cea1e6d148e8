"""Meta: small named values about the store itself, such as the hash of a trusted configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.store import statements

if TYPE_CHECKING:
    from git_agent.store.store import Store

SCANNED = "scanned:"
"""Prefix of the keys that hold, for each base, the commit up to which it was searched for reverts."""

GONE = "gone:"
"""Prefix of the keys that hold, for each base that is gone, a checksum of the branches among which no new name of it
was found."""

KEPT = "kept:"
"""Prefix of the keys that hold, for each task, the number of its last directory of backed-up ignored files."""

LOST = "lost:"
"""Prefix of the keys that hold, for each completed task, the tip of the base that no longer contains its merge."""

SHOWN = "shown:"
"""Prefix of the keys that hold, for each host, user and task, the commit that this person was shown last."""

PUSHED = "pushed:"
"""Prefix of the keys that hold, for each remote and ref that no remote-tracking branch shows, the commit that was
pushed there last, with merges in it; followed by " ?" if the remote could not be asked whether it arrived."""

UNSTARTED = "unstarted:"
"""Prefix of the keys that hold, for each OPEN task that could not be started, why, how often, and until when it waits;
as JSON, with the version of the task that this applies to."""

UNSAID = "unsaid"
"""Key of the notices that a background process queued and that nobody has been shown yet."""

NOTIFIED = "notified"
"""Key of the events that `agent.notify` was run for: the first and the last one, as `7-12`."""


HOOKS = "hooks"
"""Key of the wanted hooks: `on`, `on+guard` (agent.guard), `off` (deinit, init --no-hooks); absent at first."""

HOOKS_WITH_LFS = "hooks-lfs"
"""Key of the checksum of the hooks' stamp for which it is known whether pre-push runs git-lfs."""

UPSTREAMS = "upstreams"
"""Key of the refs that bases follow, with a stamp of the configuration that they were read from."""

TRUSTED = "trusted-config"
"""Key of the hash of the team's file that a person trusted."""

KEYS_OF_EACH_COMMAND = (HOOKS, HOOKS_WITH_LFS, NOTIFIED, TRUSTED, UNSAID, UPSTREAMS)
PREFIXES_OF_EACH_COMMAND = (LOST, SCANNED, UNSTARTED)
"""What every command reads, with one statement. The rest may be long."""


class Meta:
    """Small named values about the store itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key: str) -> str | None:
        """Return the value of a key, or None."""
        common = key in KEYS_OF_EACH_COMMAND or key.startswith(PREFIXES_OF_EACH_COMMAND)
        if common and (known := self._store.known(statements.META_OF_EACH_COMMAND)) is not None:
            return dict(known).get(key)
        return next((row[0] for row in self._store.rows(statements.META, key=key)), None)

    def put(self, key: str, value: str) -> None:
        """Set the value of a key."""
        self._store.change(statements.PUT_META, key=key, value=value)

    def under(self, prefix: str) -> dict[str, str]:
        """Map the keys that start with a prefix, without the prefix, to their values."""
        known = self._store.known(statements.META_OF_EACH_COMMAND) if prefix in PREFIXES_OF_EACH_COMMAND else None
        rows = (
            self._store.rows(statements.META_BETWEEN, first=prefix, end=after_prefix(prefix))
            if known is None
            else known
        )
        return {key[len(prefix) :]: value for key, value in rows if key.startswith(prefix)}

    def delete(self, key: str) -> None:
        """Delete a key."""
        self._store.change(statements.DELETE_META, key=key)


def after_prefix(prefix: str) -> str:
    """Return the first text that is greater than all texts with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)
