"""Registered worktrees: as git lists them, and as the files under `worktrees/` say."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from git_agent.errors import AgentError
from git_agent.git.discover import linked
from git_agent.git.repo import HEADS, Repo
from git_agent.git.run import GitError
from git_agent.git.worktrees.state import git_dir_of

LOCK_REASON = "git-agent: task {task}"
INITIALIZING = "initializing"  # what git writes while `git worktree add` runs


@dataclass(frozen=True, slots=True)
class Listed:
    """One worktree as git lists it; locked: the reason ("" when none was given), None: not locked."""

    path: str
    head: str | None
    branch: str | None
    locked: str | None
    prunable: bool
    bare: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """What there is at a path: a directory, a registration, and whether its making was cut short (half)."""

    exists: bool
    registered: bool
    branch: str | None
    locked: str | None
    half: bool


def listing(repo: Repo) -> list[Listed]:
    """List all worktrees, the main one first."""
    try:
        raw = repo.git("worktree", "list", "--porcelain", "-z").text
    except GitError as error:
        if "Invalid path" not in error.stderr:
            raise
        # Measured, git 2.39: what it says of a worktree whose repository was moved.
        hint = "if the repository was moved: git worktree repair"
        raise AgentError("worktree-lost", error.message, hint) from error
    found = [_listed(record.split("\0")) for record in raw.split("\0\0") if record.strip("\0")]
    if found and repo.main_worktree and not repo.bare:
        # For a submodule git shows its git directory here, not its worktree.
        main = found[0]
        found[0] = Listed(repo.main_worktree, main.head, main.branch, main.locked, main.prunable, False)
    return found


def observe(repo: Repo, path: str) -> Observed:
    """Say what there is at path, without changing it: for the repair after a crash."""
    real, admins = real_path(path), registrations(repo, path)
    exists = os.path.lexists(path)
    if not admins:
        git_dir = git_dir_of(real) if exists else None
        orphan = git_dir is not None and os.path.dirname(git_dir) == os.path.join(repo.common_dir, "worktrees")
        return Observed(exists, False, None, None, orphan)
    reasons = [reason(admin) for admin in admins]
    locked = next((each for each in reasons if each is not None), None)
    return Observed(exists, True, _branch(real, admins[0], exists), locked, is_half(real, admins))


def is_half(real: str, admins: Sequence[str]) -> bool:
    """Say whether a registered worktree was never finished (a killed `git worktree add` or checkout)."""
    if len(admins) > 1 or reason(admins[0]) == INITIALIZING:
        return True
    # git writes the index last: a checkout that was cut short leaves none.
    return not (os.path.isfile(os.path.join(admins[0], "index")) and os.path.isfile(os.path.join(real, ".git")))


def registrations(repo: Repo, path: str) -> list[str]:
    """Return the administrative directories that claim path; more than one after a race without our lock."""
    real, root = real_path(path), os.path.join(repo.common_dir, "worktrees")
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return []
    return [os.path.join(root, name) for name in names if _claims(os.path.join(root, name), real)]


def reason(admin: str) -> str | None:
    """Return why a worktree is locked ("" when no reason was given), None when it is not."""
    try:
        with open(os.path.join(admin, "locked"), "rb") as file:
            return os.fsdecode(file.read()).strip()
    except OSError:
        return None


def real_path(path: str) -> str:
    """Return path made absolute, its directories resolved, its last name kept (a symlink, or missing)."""
    parent, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(parent), name)


def lock(repo: Repo, path: str, reason: str) -> None:
    """Lock the worktree at path, so that git neither prunes nor removes it."""
    repo.git("worktree", "lock", "--reason", reason, "--", real_path(path))


def unlock(repo: Repo, path: str) -> None:
    """Unlock the worktree at path; one that is not locked is left as it is. Raise OSError."""
    # gitrepository-layout(5) documents the file; `git worktree unlock` does no more, and takes 2 ms.
    for admin in registrations(repo, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(admin, "locked"))


def _listed(lines: Sequence[str]) -> Listed:
    words = dict(line.partition(" ")[::2] for line in lines)
    branch = words.get("branch")
    return Listed(
        words.get("worktree", ""),
        words.get("HEAD"),
        branch.removeprefix(HEADS) if branch else None,
        words.get("locked"),
        "prunable" in words,
        "bare" in words,
    )


def _claims(admin: str, real: str) -> bool:
    where = linked(admin)
    if where is not None:
        return where == real
    # Killed before git wrote where the worktree is: its name and its lock still say whose it was.
    same = os.path.basename(admin) == os.path.basename(real)
    locked = reason(admin)
    return (
        same and locked is not None and (locked in ("", INITIALIZING) or locked.startswith(LOCK_REASON.format(task="")))
    )


def _branch(real: str, admin: str, exists: bool) -> str | None:
    try:
        with open(os.path.join(admin, "HEAD"), "rb") as file:
            head = os.fsdecode(file.read()).strip()
    except OSError:
        return None
    if head == "ref: refs/heads/.invalid" and exists:  # reftable keeps the real HEAD in its tables
        from git_agent.git.run import git

        try:
            head = "ref: " + git("symbolic-ref", "--quiet", "HEAD", cwd=real, ok=(0, 1)).text
        except GitError:
            return None
    return head.removeprefix("ref: " + HEADS) if head.startswith("ref: " + HEADS) else None


class Spot(NamedTuple):
    """A registered worktree. path: None when its registration can't be read; head: its branch, an oid when detached,
    None while a rebase or bisection has HEAD, or when the ref backend keeps it elsewhere.
    """

    path: str | None
    head: str | None


def spot(common_dir: str, admin: str) -> Spot | None:
    """Look at the worktree with this name under `worktrees/`; None when it is not registered any more."""
    git_dir = os.path.join(common_dir, "worktrees", admin)
    try:
        with open(os.path.join(git_dir, "HEAD"), "rb") as file:
            head = os.fsdecode(file.read()).strip()
    except OSError:
        return None
    return Spot(linked(git_dir), _named(git_dir, head))


def stood_in(common_dir: str) -> str | None:
    """Return the name under `worktrees/` of the worktree of this repository that the current directory lies in.

    Neither GIT_DIR nor a repository or submodule inside that worktree counts. None outside of every linked worktree.
    """
    try:
        here = os.getcwd()
    except OSError:  # it was removed
        return None
    root = os.path.join(common_dir, "worktrees")
    while True:
        found = git_dir_of(here)
        if found is not None and os.path.dirname(found) == root:
            return os.path.basename(found)
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above


def _named(git_dir: str, head: str) -> str | None:
    if head.startswith("ref: "):
        name = head.removeprefix("ref: " + HEADS)
        return None if name == ".invalid" else name  # what the reftable backend writes there
    busy = ("rebase-merge", "rebase-apply", "BISECT_LOG")
    return None if any(os.path.exists(os.path.join(git_dir, name)) for name in busy) else head


def last_head(common_dir: str, admin: str) -> str | None:
    """Return the last commit that a worktree's own log of HEAD names, None without one: it outlives the branch."""
    try:
        with open(os.path.join(common_dir, "worktrees", admin, "logs", "HEAD"), "rb") as file:
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2].split(b" ", 2)
    except OSError:
        return None
    return last[1].decode("ascii", "replace") if len(last) > 2 else None


def left_in(store_dir: str, place: str) -> Iterator[tuple[str, float]]:
    """Yield what is in one of our private directories, with its age in seconds."""
    try:
        names = sorted(os.listdir(os.path.join(store_dir, place)))
    except OSError:
        return
    for name in names:
        try:
            yield name, time.time() - os.lstat(os.path.join(store_dir, place, name)).st_mtime
        except OSError:
            continue
