"""Repositories of their own inside a worktree: git keeps nothing of them but a commit's name."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from git_agent.errors import AgentError
from git_agent.git.clones import has_nothing_own
from git_agent.git.index import look
from git_agent.git.state import IGNORED, UNTRACKED, Change, ignored_directories, status

# Entries; 50,000 are read in 40 ms, and deleting them takes ten times as long (measured). The walk is breadth first:
# what a person cloned lies near the top.
_LIMIT = 500_000


def nested(worktree: str, changes: Sequence[Change], links: Sequence[str]) -> list[str]:
    """List repositories, bare ones, too, that are no submodules, as `sub/`, sorted; links are not followed.

    changes: the status, with what is ignored; links: what the index holds as repositories. Of ignored directories the
    first 500,000 entries are looked at. A repository that was added as it is (its `.git` is a directory, so it lies in
    the worktree) is one of them. A clone in an ignored directory with nothing of its own, nor in clones inside of it,
    is not: builds fetch dependencies so.
    """
    found = {name for name in links if os.path.isdir(os.path.join(worktree, name, ".git"))}
    paths = [c.path for c in changes if c.code != IGNORED]
    parents = {parent for path in paths for parent in _parents(path)}.difference(links)
    found |= {name for name in parents if os.path.lexists(os.path.join(worktree, name, ".git"))}
    fresh = {parent for c in changes if c.code == UNTRACKED for parent in _parents(c.path)}
    found |= {name for name in fresh if _is_git_directory(os.path.join(worktree, name))}
    ignored = [name.rstrip("/") for name in ignored_directories(changes)]
    found |= {name for name in _below(worktree, ignored) if not _is_fetched(os.path.join(worktree, name))}
    return sorted(f"{name}/" for name in found)


def _is_fetched(path: str) -> bool:
    if not has_nothing_own(path):
        return False
    try:
        changes = status(path, ignored=True)
        return all(c.code == IGNORED for c in changes) and not nested(path, changes, look(path).links)
    except AgentError:
        return False


def _parents(path: str) -> Iterator[str]:
    """Git names a repository by its directory, and one without a commit by its files."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _is_git_directory(path: str) -> bool:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return _has_git_directory({e.name: e.is_dir() for e in entries})
    return False


def _has_git_directory(inside: Mapping[str, bool]) -> bool:
    """By what git goes, whatever the name; gitrepository-layout(5). inside: tells which entries are directories."""
    return "HEAD" in inside and all(inside.get(name, False) for name in ("objects", "refs"))


def _below(worktree: str, directories: Sequence[str]) -> Iterator[str]:
    waiting, seen = deque(directories), 0
    while waiting and seen < _LIMIT:
        name = waiting.popleft()
        try:
            with os.scandir(os.path.join(worktree, name)) as entries:
                inside = [(e.name, e.is_dir(follow_symlinks=False)) for e in entries]
        except OSError:
            continue
        seen += len(inside)
        if any(entry == ".git" for entry, _ in inside) or _has_git_directory(dict(inside)):
            yield name
        else:
            waiting.extend(f"{name}/{entry}" for entry, is_directory in inside if is_directory)
