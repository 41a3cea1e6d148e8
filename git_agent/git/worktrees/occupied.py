"""What occupies a worktree's place, and which processes are inside."""

from __future__ import annotations

import os

from git_agent.git.discover import git_dir_of
from git_agent.git.repo import Repo
from git_agent.git.worktrees.registry import real_path, registrations_at
from git_agent.record import Record


class Occupant(Record):
    """What is in the worktree's place.

    what: a few words for it.
    may_be_repaired: its .git is lost or wrong, so that `git worktree repair` may make it the worktree again.
    """

    what: str
    may_be_repaired: bool


def occupant(repo: Repo, path: str) -> Occupant | None:
    """Return what is where a worktree was created; None for the worktree itself, an empty directory, or nothing.

    Starts no git.
    """
    real = real_path(path)
    if os.path.islink(real):
        return Occupant("a symbolic link", False)
    if not os.path.isdir(real):
        return Occupant("a file", False) if os.path.lexists(real) else None
    found, home = registrations_at(repo, real), git_dir_of(real)
    if home in {each.git_dir for each in found} or is_missing_or_empty(real):
        return None
    if home is None:
        return Occupant("other files", bool(found))
    lost = os.path.isfile(os.path.join(real, ".git")) and not os.path.isdir(home)
    return Occupant("a worktree of a repository that was moved" if lost else "another repository", lost)


def is_missing_or_empty(path: str) -> bool:
    """Tell whether a directory is gone or empty."""
    try:
        return not os.listdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def processes_inside(path: str, *, exclude_ancestors: bool = True) -> list[tuple[int, str]]:
    """List pid and command of the processes whose current directory is inside path, except this one.

    exclude_ancestors: also leave out the shell that started us, which often stands there. A git that started us is
        always left out.
    Reads /proc: finds nothing where there is none (macOS), and no processes of other users.
    """
    real = os.path.realpath(path)
    started_by_git = [os.getppid()] if _command(str(os.getppid())).startswith("git ") else []
    spared = {os.getpid(), *started_by_git, *(_ancestors() if exclude_ancestors else ())}
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if not name.isdigit() or int(name) in spared:
            continue
        try:
            cwd = os.readlink(f"/proc/{name}/cwd").removesuffix(" (deleted)")
        except OSError:
            continue
        if cwd == real or cwd.startswith(real + "/"):
            found.append((int(name), _command(name)))
    return sorted(found)


def _command(pid: str) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return os.fsdecode(file.read().rstrip(b"\0").replace(b"\0", b" "))
    except OSError:
        return ""


def _ancestors() -> list[int]:
    found, pid = [], os.getppid()
    while pid > 1:
        found.append(pid)
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return found
