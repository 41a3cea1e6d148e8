"""Merge pairs of commits in memory, many in one process, without leaving objects behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from git_agent.git import versions
from git_agent.git.repo import Repo
from git_agent.record import Record

_BATCH = ("merge-tree", "-z", "--name-only", "--no-messages")
_AT_ONCE = 100  # pairs: a tenth of a second


class Tried(Record):
    """The result of a merge: the oid of its tree, which is not kept, and the paths that conflict."""

    clean: bool
    tree: str
    paths: tuple[str, ...]


def merge_pairs(
    repo: Repo,
    pairs: Sequence[tuple[str, str]],
    *options: str,
    unrelated: bool = False,
    progress: Callable[[int], None] | None = None,
    **where: Any,
) -> list[Tried]:
    """Merge the second of each pair of commits (full oids) into the first.

    options: options of git itself.
    unrelated: also merge commits without common history.
    progress: called after each hundred with the number done.
    where: the directory git runs in.
    Measured in a repository of 20,000 files: 1 ms a pair; one process for each pair would take 4.
    Raises GitError for a pair that git can't merge.
    """
    how = (*options, *_BATCH, *(["--allow-unrelated-histories"] if unrelated else []))
    with _nowhere(repo) as env:
        if versions.git_version() < (2, 39, 0):
            each = (repo.git(*how, "--write-tree", a, b, ok=(0, 1), env=env, **where) for a, b in pairs)
            return [_tried(done.status == 0, done.fields) for done in each]
        found: list[Tried] = []
        while len(found) < len(pairs):
            given = "".join(f"{a} {b}\n" for a, b in pairs[len(found) : len(found) + _AT_ONCE]).encode()
            found += _entries(repo.git(*how, "--stdin", stdin=given, env=env, **where).fields)
            if progress is not None and len(pairs) > _AT_ONCE:
                progress(len(found))
        return found


def _entries(fields: Sequence[str]) -> Iterator[Tried]:
    """Parse the output: an entry is a status (1: clean), a tree, the conflicting paths, and an empty field."""
    start = 0
    for at, each in enumerate(fields):
        if not each:
            yield _tried(fields[start] == "1", fields[start + 1 : at])
            start = at + 1


def _tried(clean: bool, fields: Sequence[str]) -> Tried:
    tree, *paths = fields
    return Tried(clean, tree, tuple(dict.fromkeys(path for path in paths if path)))


@contextmanager
def _nowhere(repo: Repo) -> Iterator[dict[str, str]]:
    """Yield an environment in which merging leaves no objects (measured: 3,600 for 24 tasks) and reads no index."""
    import tempfile

    objects = f"{repo.common_dir}/objects".replace("\\", r"\\").replace('"', r"\"")
    with tempfile.TemporaryDirectory(prefix="git-agent-", ignore_cleanup_errors=True) as root:
        yield {
            "GIT_OBJECT_DIRECTORY": root,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{objects}"',
            "GIT_INDEX_FILE": f"{root}/index",  # else git takes attributes from the main worktree's
        }
