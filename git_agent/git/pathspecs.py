"""What pathspecs match, as git says: in a commit, and in what a branch changed. They count from the top."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence

from git_agent.errors import AgentError, usage
from git_agent.git.repo import Repo
from git_agent.git.run import GitError

_HOW = ("--no-renames", "--name-only", "-z")


def check_pathspecs(repo: Repo, pathspecs: Sequence[str]) -> None:
    """Have git read pathspecs. Raise usage error bad-path with git's words for one that it refuses."""
    empty = _empty(repo)
    for each in pathspecs:
        try:
            repo.git("diff-tree", "-r", *_HOW, empty, empty, "--", each)
        except GitError as error:
            says = error.message[:1].lower() + error.message[1:]
            hint = "a path, a directory or a pattern, from the top: --path src/"
            raise usage("bad-path", f"git can't read the path '{each}': {says}", hint) from error


def unreadable(repo: Repo, pathspecs: Sequence[str]) -> str | None:
    """Return git's words for the first pathspec that it can't read; asks only of those that it might refuse."""
    doubtful = [each for each in pathspecs if each[:1] in (":", "/", "") or ".." in each]
    try:
        check_pathspecs(repo, doubtful)
    except AgentError as error:
        return error.message
    return None


@functools.lru_cache(maxsize=1024)
def tracked_paths(repo: Repo, commit: str, pathspecs: tuple[str, ...]) -> frozenset[str]:
    """List the files of a commit (full oid) that these pathspecs together match.

    Asked once for each claim, not for each two of them: 16 claims that may overlap took 376 processes.
    """
    return _differing(repo, _empty(repo), commit, pathspecs)


def changed_paths(repo: Repo, start: str, tip: str, pathspecs: Sequence[str] = ()) -> frozenset[str]:
    """List the files that differ between two commits (full oids), those that pathspecs match if any are given.

    A file that was renamed counts under both names.
    """
    return _differing(repo, start, tip, pathspecs)


def _differing(repo: Repo, one: str, other: str, pathspecs: Sequence[str]) -> frozenset[str]:
    """What git can't read matches nothing: somebody wrote it to the store, and others are not to suffer from it."""
    try:
        done = repo.git("diff-tree", "-r", *_HOW, one, other, "--", *pathspecs)
    except GitError:
        if unreadable(repo, pathspecs) is None:
            raise
        return frozenset()
    return frozenset(done.fields if done.out else ())


@functools.cache
def _empty(repo: Repo) -> str:
    """The oid of the empty tree, which git knows without having it."""
    sha256 = repo.config("extensions.objectFormat") == "sha256"
    return (hashlib.sha256 if sha256 else hashlib.sha1)(b"tree 0\0").hexdigest()
