"""The fork point of a branch, and what is its own work.

A branch's own work is what its tip reaches and neither its base nor its fork point does. Usually the base contains the
fork point. It does not after the base was rewritten, or after the branch's parent was squashed into the base.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence

from git_agent.errors import AgentError
from git_agent.git import history
from git_agent.git.errors import names_no_room, system_error
from git_agent.git.history import Commit
from git_agent.git.repo import Repo
from git_agent.git.run import GitError
from git_agent.record import Record


def own_work(repo: Repo, base: str, tip: str, fork: str | None, limit: int = 100) -> list[Commit]:
    """List a branch's own commits, newest first.

    base, tip: names of commits.
    fork: the fork point, a full oid; it may be missing from the repository.
    limit: the maximum number of commits.
    """
    without = [oid for oid in (fork,) if oid is not None and repo.resolve(oid) is not None]
    return history.commits(repo.git, base, tip, limit, without)


def count_own(repo: Repo, base: str, tip: str, fork: str) -> int:
    """Count a branch's own commits. base, tip, fork: full oids."""
    return int(repo.git("rev-list", "--count", tip, f"^{base}", f"^{fork}", "--").text)


def not_contained(repo: Repo, ends: Sequence[str], oids: Collection[str]) -> set[str]:
    """Return the commits that none of the ends contains, with one git command.

    ends, oids: full oids; commits that are missing from the repository count as contained.
    """
    given = "".join(f"{oid}\n" for oid in oids).encode()
    how = ("rev-list", "--ignore-missing", "--stdin", *(f"^{end}" for end in ends))
    return set(oids) & set(repo.git(*how, stdin=given).text.split()) if oids else set()


def missing(repo: Repo, ends: Sequence[str], oids: Collection[str]) -> set[str]:
    """Return the commits that none of the ends contains, or that are not in the repository at all.

    ends, oids: full oids.
    """
    return (set(oids) - history.present(repo.git, oids)) | not_contained(repo, ends, oids)


def moved_on(repo: Repo, fork: str | None, base: str, tip: str) -> str | None:
    """Return the fork point after a branch or its base moved: the merge base, if that descends from the old one.

    fork: the fork point so far, a full oid; None for none.
    base, tip: full oids.
    """
    try:
        found = repo.merge_base(base, tip)
    except GitError as error:  # a commit is missing
        raise_what_may_pass(error)
        return fork
    if found in (None, fork) or (fork is not None and not _is_ancestor(repo, fork, found or "")):
        return fork
    return found


def begun_at(repo: Repo, fork: str | None, base: str, tip: str) -> str | None:
    """Return the fork point of an attempt that begins at tip: the one so far, moved on, if tip builds on it.

    fork: that of the attempt before, a full oid; None for none.
    base: a full oid or the full name of a branch.
    tip: a full oid.
    """
    return moved_on(repo, fork if fork and _is_ancestor(repo, fork, tip) else None, base, tip)


class Start(Record):
    """Where a branch's changes begin. Both are None for unrelated histories.

    merge_base: git's own merge base of branch and base
    lost: the fork point, if the branch still builds on it and the base does not contain it
    """

    merge_base: str | None
    lost: str | None

    @property
    def oid(self) -> str | None:
        """Return the commit from which the changes are counted."""
        return self.lost or self.merge_base


def find_start(repo: Repo, base: str, tip: str, fork: str | None) -> Start:
    """Find where a branch's changes begin. Runs one git command for the usual branch.

    base: a full oid or the full name of a branch.
    tip: a full oid.
    fork: the fork point, a full oid.
    """
    found = repo.merge_base(base, tip)
    if fork is None or found in (None, fork) or not _is_ancestor(repo, found or "", fork):
        return Start(found, None)
    return Start(found, fork if _is_ancestor(repo, fork, tip) else None)


def _is_ancestor(repo: Repo, old: str, new: str) -> bool:
    """Tell whether a commit is an ancestor of another, or the same; False if one is missing."""
    done = repo.git("merge-base", "--is-ancestor", "--end-of-options", old, new, ok=(0, 1, 128))
    return done.status == 0


def raise_what_may_pass(error: AgentError | OSError) -> None:
    """Raise an error again if the same question may be answered later: it says nothing about what was asked.

    error: of a git that was asked to compare something
    Raises AgentError where the disk is full, or where git could not be started or was killed.
    """
    if isinstance(error, GitError):
        if number := names_no_room(error.stderr):
            raise system_error(OSError(number, os.strerror(number))) from error
        if error.status < 0:
            raise error
    elif isinstance(error, OSError):
        raise system_error(error) from error
    elif error.code != "unrelated-histories":
        raise error
