"""Submodules of a worktree: checkouts that are older than what the branch records, and pointers that go back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from git_agent.git.place import nested_checkout
from git_agent.git.repo import Repo
from git_agent.record import Record

_GITLINK = "160000"


class Pointer(Record):
    """A submodule whose recorded commit goes back from old to new, full oids. path: relative to the worktree."""

    path: str
    old: str
    new: str


def stale_checkouts(repo: Repo, worktree: str) -> list[str]:
    """Name the submodules whose checkout is behind the commit that the index records.

    A rebase or merge moves what is recorded, but not the checkout. A submodule with commits of its own is not behind.
    """
    args = ("status", "--porcelain=v2", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames")
    found = []
    for field in repo.git_in(worktree, *args).fields:
        # 1 XY S<c><m><u> and the modes and oids of HEAD and index: git-status(1), porcelain format version 2
        words = field.split(" ", 8)
        if words[0] == "1" and words[1] == ".M" and words[2].startswith("SC"):
            inside = os.path.join(worktree, words[8])
            if not _is_ancestor(inside, words[7], "HEAD") and _is_ancestor(inside, "HEAD", words[7]) is not False:
                found.append(words[8])
    return found


def pointers_back(repo: Repo, start: str, tip: str, checkouts: Sequence[str]) -> list[Pointer]:
    """List the submodules that a branch sets back to an older commit.

    start: the commit where the branch begins; tip: its last commit.
    checkouts: worktrees in which the submodules may be populated; elsewhere, only a commit that was recorded before
        start is known to be older.
    """
    found = _moved(repo, start, tip)
    return [each for each in found if _goes_back(repo, each, start, checkouts)]


def _moved(repo: Repo, start: str, tip: str) -> Iterator[Pointer]:
    fields = iter(repo.git("diff-tree", "-r", "-z", "--no-renames", start, tip, "--").fields)
    for entry, path in zip(fields, fields, strict=False):
        before, after, old, new, *_ = entry.removeprefix(":").split(" ")
        if before == after == _GITLINK:
            yield Pointer(path, old, new)


def _goes_back(repo: Repo, moved: Pointer, start: str, checkouts: Sequence[str]) -> bool:
    for checkout in checkouts:
        inside = os.path.join(checkout, moved.path)
        if os.path.lexists(os.path.join(inside, ".git")):
            known = _is_ancestor(inside, moved.new, moved.old)
            if known is not None:
                return known
    how = ("log", "--format=", "--raw", "--no-abbrev", "--no-renames", "--full-history", "-m", start, "--", moved.path)
    return f" {moved.new} " in repo.git("--literal-pathspecs", *how).text


def _is_ancestor(inside: str, one: str, other: str) -> bool | None:
    """Tell whether a commit of a submodule is an ancestor of another one; None if one of them is not there."""
    done = nested_checkout(inside).git("merge-base", "--is-ancestor", one, other, ok=(0, 1, 128))
    return None if done.status == 128 else done.status == 0
