"""What pathspecs match, as git says: in a commit, and in what a branch changed. They count from the top."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence

from git_agent.errors import usage
from git_agent.git.repo import Repo
from git_agent.git.run import GitError

_HOW = ("--no-renames", "--name-only", "-z")


def check(repo: Repo, pathspecs: Sequence[str]) -> None:
    """Have git read pathspecs. Raise usage error bad-path with git's words for one that it refuses."""
    empty = _empty(repo)
    for each in pathspecs:
        try:
            repo.git("diff-tree", "-r", *_HOW, empty, empty, "--", each)
        except GitError as error:
            says = error.message[:1].lower() + error.message[1:]
            hint = "a path, a directory or a pattern, from the top: --path src/"
            raise usage("bad-path", f"git can't read the path '{each}': {says}", hint) from error


@functools.lru_cache(maxsize=1024)
def tracked(repo: Repo, commit: str, pathspecs: tuple[str, ...]) -> frozenset[str]:
    """List the files of a commit (full oid) that these pathspecs together match.

    Asked once for each claim, not for each two of them: 16 claims that may overlap took 376 processes.
    """
    done = repo.git("diff-tree", "-r", *_HOW, _empty(repo), commit, "--", *pathspecs)
    return frozenset(done.fields if done.out else ())


def changed(repo: Repo, start: str, tip: str, pathspecs: Sequence[str] = ()) -> frozenset[str]:
    """List the files that differ between two commits (full oids), those that pathspecs match if any are given.

    A file that was renamed counts under both names.
    """
    done = repo.git("diff-tree", "-r", *_HOW, start, tip, "--", *pathspecs)
    return frozenset(done.fields if done.out else ())


def _empty(repo: Repo) -> str:
    """The oid of the empty tree, which git knows without having it."""
    sha256 = repo.config("extensions.objectFormat") == "sha256"
    return (hashlib.sha256 if sha256 else hashlib.sha1)(b"tree 0\0").hexdigest()
