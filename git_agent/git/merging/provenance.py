"""Whose commit a tip is, and which merges were reverted by later commits."""

from __future__ import annotations

import re
from typing import Protocol

from git_agent.git.merging.movement import Movement
from git_agent.git.repo import Repo

# What git writes into a branch's reflog when a commit is made there; a fast-forward or a reset makes none.
_MADE = r"(commit|cherry-pick|am|revert|pull|push|update by push|rebase|merge)\b(?!.*Fast-forward)"


class _Sight(Protocol):
    @property
    def branch(self) -> str: ...
    @property
    def head_oid(self) -> str | None: ...
    @property
    def worked(self) -> int: ...


def came_in(repo: Repo, sight: _Sight, tip: str, old: str) -> bool:
    """Tell whether a base received a branch's work, rather than the branch being reset to a commit of the base's own.

    sight: the branch as it was last seen.
    tip: where the branch is now, a commit of the base.
    old: where the base was at the last check.
    A branch without a reflog is believed if it was seen with work of its own.
    """
    if repo.resolve(old) is not None and repo.is_ancestor(tip, old):
        return False
    if sight.worked and tip == sight.head_oid:
        return True
    args = ("log", "--walk-reflogs", "--max-count=1000", "--format=%H %gs", "--end-of-options")
    rows = repo.git(*args, f"refs/heads/{sight.branch}", ok=(0, 128)).text.splitlines()
    if not rows:
        return bool(sight.worked)
    said = [text for oid, _, text in (row.partition(" ") for row in rows) if oid == tip]
    # "rebase (finish): refs/heads/x onto <oid>" with nothing left to pick ends at that oid.
    return any(re.match(_MADE, text) and not text.endswith(f"onto {tip}") for text in said)


_REVERTS = r"(?m)^This reverts commit ([0-9a-f]{7,64})\b"


def reverted(move: Movement) -> dict[str, str]:
    """Map commits (full oids) to the new commits of the base whose message says that they revert them.

    A revert that a newer one reverts no longer counts; it then is a key itself.
    The messages have the form of `git revert`, also of merges and with --reference.
    """
    found: dict[str, str] = {}
    for oid, _, text in move.messages:
        for name in re.findall(_REVERTS, text) if oid not in found else ():
            full = name if len(name) == len(oid) else move.repo.resolve(name)
            if full is not None:
                found.setdefault(full, oid)
    return found
