"""Which commits the new commits of a base take back, as git's own messages say."""

from __future__ import annotations

import re

from git_agent.git.merged import Movement

_REVERTS = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)


def reverted(move: Movement) -> dict[str, str]:
    """Map commits (full oids) to the new commits of the base that say they revert them.

    What a revert says counts no more once a newer one reverts it; then that revert itself is a key.
    The form of the message is `git revert`'s, of merges too, and with --reference.
    """
    found: dict[str, str] = {}
    for row in move.messages("This reverts commit", "%H %B"):
        oid, _, body = row.partition(" ")
        for name in _REVERTS.findall(body) if oid not in found else ():
            full = name if len(name) == len(oid) else move.repo.resolve(name)
            if full is not None:
                found.setdefault(full, oid)
    return found
