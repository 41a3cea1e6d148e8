"""Branches that can't be read: after a power cut or a prune, a ref may name an object that is gone, or be empty."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from git_agent.git import history, refs
from git_agent.git.repo import HEADS, Repo
from git_agent.git.run import GitError

_WALK = ("--objects", "--quiet", "--missing=allow-promisor")
_ENTRIES = 400  # commits of a branch's log, from the newest on


def complaint(repo: Repo, tip: str, base: str | None = None) -> str | None:
    """Return what git says when it can't read a commit, its directories, or what it has beyond a base; None if it can.

    tip: a full oid.
    base: a commit that can be read, a full oid; None: the history of tip is not checked, since it may be long.
    """
    try:
        repo.git("rev-list", *_WALK, tip, f"^{base}", "--") if base else repo.git("ls-tree", "-r", "-d", tip)
    except GitError as error:
        fatal = [line.removeprefix("fatal: ") for line in error.details if line.startswith("fatal: ")]
        return fatal[-1] if fatal else error.message
    return None


def are_readable(repo: Repo, tips: Iterable[str], base: str) -> bool:
    """Return whether git can read all that these commits have beyond a base; all oids are full."""
    given = "".join(f"{oid}\n" for oid in (*tips, f"^{base}")).encode()
    try:
        repo.git("rev-list", *_WALK, "--stdin", stdin=given)
    except GitError:
        return False
    return True


def damaged_file(says: str) -> str | None:
    """Return the file of the object that git complains about, if it is there.

    It has to go before the object is written again: git takes what is there for the object.
    """
    found = re.search(r"\(stored in (.+)\) is corrupt", says)
    return found[1] if found and os.path.isfile(found[1]) else None


def damaged_refs(repo: Repo) -> dict[str, str]:
    """Map the refs whose commit is missing or unreadable to its oid, with two git commands."""
    known = repo.refs("refs/")
    given = "".join(f"{oid}\n" for oid in known.values()).encode()
    rows = repo.git("cat-file", "--batch-check=%(objecttype)", stdin=given).text.splitlines() if known else ()
    return {ref: oid for (ref, oid), row in zip(known.items(), rows, strict=True) if row.endswith(" missing")}


def broken_file(repo: Repo, branch: str) -> str | None:
    """Return the file of a branch that git lists no more because the file is empty or damaged; None without one."""
    path = os.path.join(repo.common_dir, HEADS + branch)
    return path if os.path.isfile(path) and refs.find_ref(repo, HEADS + branch) is None else None


def last_good(repo: Repo, branch: str, base: str | None, known: Iterable[str | None]) -> str | None:
    """Return the newest commit of a branch that can be read, None if there is none.

    base: where its base is, a full oid; None if that can't be read either.
    known: where the branch has been, newest first, should its log not tell.
    """
    log = os.path.join(repo.common_dir, "logs", HEADS + branch)
    tried = dict.fromkeys([*history.logged(log)[:_ENTRIES], *(oid for oid in known if oid)])
    return next((oid for oid in tried if complaint(repo, oid, base) is None), None)


def set_back(repo: Repo, branch: str, good: str) -> None:
    """Move a branch that can't be read to a commit that can, and damaged objects aside, so that they are written again.

    Raises RefMoved if it moves meanwhile, OSError.
    """
    tip = refs.find_ref(repo, HEADS + branch)
    while tip is not None and (file := damaged_file(complaint(repo, tip, good) or "")) is not None:
        os.rename(file, f"{file}.damaged")
    message = "git-agent: set back to the last commit that can be read"
    ref, path = HEADS + branch, broken_file(repo, branch)
    if path is not None:
        os.unlink(path)  # git refuses to write over it
    refs.set_ref(repo, ref, good, refs.find_ref(repo, ref), message)
