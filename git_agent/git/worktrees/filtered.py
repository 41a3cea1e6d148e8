"""Find the files of a worktree that git stores otherwise than they are, and would not give back byte for byte."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Set

from git_agent.git.place import Checkout
from git_agent.git.repo import Repo

_FIRST = "--diff-merges=first-parent"  # the second parent of a snapshot holds what was staged
_LOSSLESS = {"lfs"}  # its smudge gives back the same bytes, and asking it for each file would take long
_NAME = r"[\w.-]+"  # what a pathspec can name without quoting


def changed_by_filters(repo: Repo, worktree: str, snapshot: str) -> list[str]:
    """List the files of a snapshot that git stored otherwise than they are: by a filter, line endings or ident.

    worktree: its top level, as it was when the snapshot was taken.
    snapshot: its commit, a full oid.
    """
    how = ("diff-tree", "-r", "-z", "--root", "--no-renames", "--no-commit-id", "--diff-filter=AMT", _FIRST)
    fields = repo.git(*how, snapshot).fields
    stored = dict(zip(fields[1::2], (field.split()[3] for field in fields[::2] if field), strict=False))
    return _stored_otherwise(repo, worktree, stored)


def dropped_by_filters(repo: Repo, here: Checkout, configured: Set[str]) -> list[str]:
    """List the tracked files whose filter drops something of them, such as a notebook's outputs.

    configured: the names of the drivers of the attribute `filter`.
    git calls such a file unmodified, but a checkout does not give back what the filter dropped. Costs no git
    command where no filter is configured.
    """
    drivers = {name for name in configured - _LOSSLESS if re.fullmatch(_NAME, name)}
    if not drivers:
        return []
    entries = here.git("ls-files", "-z", "--stage", "--", *(f":(attr:filter={name})" for name in sorted(drivers)))
    fields = [entry.partition("\t") for entry in entries.fields if entry.startswith("100")]
    stored = {name: said.split()[1] for said, _, name in fields if said.endswith(" 0")}
    return [name for name in _stored_otherwise(repo, here.path, stored) if not _is_given_back(here, name, stored[name])]


def _is_given_back(here: Checkout, name: str, oid: str) -> bool:
    done = here.git("cat-file", "--filters", f"--path={name}", oid, ok=(0, 1, 128))
    with open(os.path.join(here.path, name), "rb") as file:
        return done.status == 0 and done.out == file.read()


def _stored_otherwise(repo: Repo, worktree: str, stored: Mapping[str, str]) -> list[str]:
    """List the files whose bytes are not those of the blob that git has of them. stored: the blobs, by names."""
    files = [name for name in stored if _is_file(os.path.join(worktree, name))]
    if not files:
        return []
    given = "".join(f"{_quoted(os.path.join(worktree, name))}\n" for name in files)
    raw = repo.git("hash-object", "--no-filters", "--stdin-paths", stdin=given.encode("utf-8", "surrogateescape"))
    return [name for name, oid in zip(files, raw.text.split(), strict=True) if oid != stored[name]]


def _is_file(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)


def _quoted(path: str) -> str:
    """Quote a path as git does in its output, which hash-object reads; a line can't hold another line's end."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
