"""The registrations of worktrees: what git's files under `<common>/worktrees/` say of each."""

from __future__ import annotations

import contextlib
import os
import time

from git_agent.errors import AgentError
from git_agent.git.discover import admin_dir, admin_dirs, git_dir_of, is_admin_dir, linked
from git_agent.git.repo import HEADS, Repo
from git_agent.git.run import GitError, git
from git_agent.record import Record

LOCK_REASON = "git-agent: task {task}"
INITIALIZING = "initializing"  # what git writes while `git worktree add` runs
_OURS = LOCK_REASON.format(task="")


class Registration(Record):
    """A worktree as git has it registered, whether its directory is there or not.

    admin: its name under worktrees/; "" for the main worktree.
    git_dir: its git directory, absolute: <common>/worktrees/<admin>.
    path: its top level; None while `gitdir` can't be read.
    branch: the one that HEAD names; None when HEAD is detached, unreadable, or in a table (reftable).
    detached: the commit that HEAD names itself; from files None during a rebase or bisection, which will end it.
    locked: the reason, "" when none was given; None when it is not locked.
    half_made: its creation was interrupted (a killed `git worktree add` or checkout).
    made_at: when it was created, in seconds since the epoch.
    oid: the commit that is checked out; None from files, and on a branch without commits.
    """

    admin: str
    git_dir: str
    path: str | None
    branch: str | None
    detached: str | None
    locked: str | None
    half_made: bool
    made_at: float
    oid: str | None = None

    @property
    def head(self) -> str | None:
        """Return the branch, else the commit that HEAD names; None when neither is known."""
        return self.branch or self.detached

    @property
    def initializing(self) -> bool:
        """Tell whether git began to make it and did not finish."""
        return self.locked == INITIALIZING

    @property
    def task(self) -> int | None:
        """Return the number of the task that it is locked for, None for another lock or none."""
        number = (self.locked or "").removeprefix(_OURS)
        return int(number) if self.locked != number and number.isdecimal() else None

    @property
    def age_s(self) -> float:
        """Return how long ago it was made, in seconds."""
        return time.time() - self.made_at


def registration(repo: Repo, admin: str) -> Registration | None:
    """Read one registration by its name under worktrees/; None where there is none, or where it has no HEAD."""
    git_dir = repo.admin_dir(admin)
    return _read(git_dir) if os.path.isfile(os.path.join(git_dir, "HEAD")) else None


def registrations(repo: Repo) -> list[Registration]:
    """Read all registrations of linked worktrees, by name, including half-made ones and those of others."""
    return [found for git_dir in admin_dirs(repo.common_dir) if (found := _read(git_dir))]


def registrations_at(repo: Repo, path: str) -> list[Registration]:
    """Read the registrations that claim a path, existing or not: several after a race without our lock."""
    real = real_path(path)
    claiming = [git_dir for git_dir in admin_dirs(repo.common_dir) if _claims(git_dir, real)]
    return [found for git_dir in claiming if (found := _read(git_dir, real))]


def registration_at(repo: Repo, path: str) -> Registration | None:
    """Read the registration of the worktree that stands, or stood, at a path; None where there is none.

    If several claim the path, it is half made, and locked if one of them is. Asks git for the branch where refs are
    in a table (reftable), which no file shows.
    """
    found = registrations_at(repo, path)
    if not found:
        return None
    locked = next((each.locked for each in found if each.locked is not None), None)
    first = found[0]._replace(half_made=found[0].half_made or len(found) > 1, locked=locked)
    if first.head is None and os.path.lexists(path):
        return first._replace(branch=_branch_in_table(first.git_dir))
    return first


def checkouts(repo: Repo) -> list[Registration]:
    """List every checkout as `git worktree list` does, the main one first; a bare repository is none.

    Unlike the files, git shows the HEAD of the main worktree, of those with a reftable, and of a rebase: `detached` is
    then the commit. Raises AgentError worktree-lost where git can't read one of them.
    """
    try:
        raw = repo.git("worktree", "list", "--porcelain", "-z").text
    except GitError as error:
        if "Invalid path" not in error.stderr:
            raise
        # Measured, git 2.39: what it says of a worktree whose repository was moved.
        hint = "if the repository was moved: git worktree repair"
        raise AgentError("worktree-lost", error.message, hint) from error
    records = [record.split("\0") for record in raw.split("\0\0") if record.strip("\0")]
    words = [dict(line.partition(" ")[::2] for line in record) for record in records]
    if words and repo.main_worktree and not repo.bare:
        # For a submodule git shows its git directory here, not its worktree.
        words[0] = {**words[0], "worktree": repo.main_worktree}
        words[0].pop("bare", None)
    known = {each.path: each for each in registrations(repo)}
    main = Registration("", repo.common_dir, None, None, None, None, False, 0.0)
    return [
        known.get(os.path.realpath(each["worktree"]), main)._replace(
            path=each["worktree"],
            branch=each["branch"].removeprefix(HEADS) if "branch" in each else None,
            detached=None if "branch" in each else each.get("HEAD"),
            locked=each.get("locked"),
            oid=each["HEAD"] if each.get("HEAD", "0").strip("0") else None,
        )
        for each in words
        if "bare" not in each
    ]


def real_path(path: str) -> str:
    """Return an absolute path with its directories resolved; its last name (a symbolic link, or missing) is kept."""
    parent, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(parent), name)


def lock_worktree(repo: Repo, path: str, reason: str) -> None:
    """Lock the worktree at path, so that git neither prunes nor removes it."""
    repo.git("worktree", "lock", "--reason", reason, "--", real_path(path))


def unlock_worktree(repo: Repo, path: str) -> None:
    """Unlock the worktree at path; one that is not locked is left alone. Raises OSError."""
    # gitrepository-layout(5) documents the file; `git worktree unlock` does no more than this, and takes 2 ms.
    for each in registrations_at(repo, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(each.git_dir, "locked"))


def names_registration(repo: Repo, path: str) -> bool:
    """Tell whether a directory's .git file names a registration of this repository, existing or not."""
    return is_admin_dir(repo.common_dir, git_dir_of(path))


def current_admin(common_dir: str) -> str | None:
    """Return the name under worktrees/ of the worktree that contains the current directory, None outside of all.

    common_dir: the common git directory of the repository.
    GIT_DIR does not matter, nor does a repository or submodule inside the worktree.
    """
    try:
        here = os.getcwd()
    except OSError:  # the directory was removed
        return None
    while True:
        found = git_dir_of(here)
        if found is not None and is_admin_dir(common_dir, found):
            return os.path.basename(found)
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above


def last_head(common_dir: str, admin: str) -> str | None:
    """Return the last commit in a worktree's own log of HEAD, None without one. The log outlives the branch."""
    try:
        with open(os.path.join(admin_dir(common_dir, admin), "logs", "HEAD"), "rb") as file:
            last = file.read().rstrip(b"\n").rpartition(b"\n")[2].split(b" ", 2)
    except OSError:
        return None
    return last[1].decode("ascii", "replace") if len(last) > 2 else None


def _read(git_dir: str, real: str | None = None) -> Registration | None:
    """Read the files of a registration; None where it is gone. real: the path that it claims by its name alone."""
    try:
        made_at = _made_at(git_dir)
    except OSError:
        return None
    path, locked = linked(git_dir), _lock_reason(git_dir)
    branch, detached = _head(git_dir)
    half_made = locked == INITIALIZING or _is_unfinished(git_dir, path or real)
    return Registration(os.path.basename(git_dir), git_dir, path, branch, detached, locked, half_made, made_at)


def _made_at(git_dir: str) -> float:
    """The directory's own time is that of the last lock file in it; git writes `commondir` once."""
    try:
        return os.lstat(os.path.join(git_dir, "commondir")).st_mtime
    except FileNotFoundError:
        return os.lstat(git_dir).st_mtime


def _is_unfinished(git_dir: str, path: str | None) -> bool:
    # git writes the index last: a checkout that was cut short leaves none.
    made = path is not None and os.path.isfile(os.path.join(path, ".git"))
    return not (made and os.path.isfile(os.path.join(git_dir, "index")))


def _lock_reason(git_dir: str) -> str | None:
    try:
        with open(os.path.join(git_dir, "locked"), "rb") as file:
            return os.fsdecode(file.read()).strip()
    except OSError:
        return None


def _head(git_dir: str) -> tuple[str | None, str | None]:
    """Return the branch and the detached commit that HEAD names."""
    try:
        with open(os.path.join(git_dir, "HEAD"), "rb") as file:
            head = os.fsdecode(file.read()).strip()
    except OSError:
        return None, None
    if head.startswith("ref: "):
        name = head.removeprefix("ref: " + HEADS)
        return (None if name == ".invalid" else name), None  # what the reftable backend writes there
    busy = ("rebase-merge", "rebase-apply", "BISECT_LOG")
    return None, None if any(os.path.exists(os.path.join(git_dir, name)) for name in busy) else head


def _branch_in_table(git_dir: str) -> str | None:
    with contextlib.suppress(OSError, GitError), open(os.path.join(git_dir, "HEAD"), "rb") as file:
        if file.read().strip() == b"ref: refs/heads/.invalid":
            ref = git("symbolic-ref", "--quiet", "HEAD", git_dir=git_dir, cwd=git_dir, ok=(0, 1)).text
            return ref.removeprefix(HEADS) if ref.startswith(HEADS) else None
    return None


def _claims(git_dir: str, real: str) -> bool:
    path = linked(git_dir)
    if path is not None:
        return path == real
    # Killed before git wrote where the worktree is: its name and its lock still say whose it was.
    same, locked = os.path.basename(git_dir) == os.path.basename(real), _lock_reason(git_dir)
    return same and locked is not None and (locked in ("", INITIALIZING) or locked.startswith(_OURS))
