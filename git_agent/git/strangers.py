"""What stands at the place of a worktree and is not that worktree (any more)."""

from __future__ import annotations

import os
from typing import NamedTuple

from git_agent.git.listing import real_path, registrations
from git_agent.git.repo import Repo
from git_agent.git.state import git_dir_of


class Stranger(NamedTuple):
    """What it is, in a few words. may_be_repaired: git may make it the worktree again: its .git is lost or astray."""

    what: str
    may_be_repaired: bool


def stranger(repo: Repo, path: str) -> Stranger | None:
    """Look at what stands where a worktree was made, without starting git; None for the worktree, and for nothing.

    An empty directory is nothing.
    """
    real = real_path(path)
    if os.path.islink(real):
        return Stranger("a symbolic link", False)
    if not os.path.isdir(real):
        return Stranger("a file", False) if os.path.lexists(real) else None
    admins, home = registrations(repo, real), git_dir_of(real)
    if home in admins or is_gone(real):
        return None
    if home is None:
        return Stranger("other files", bool(admins))
    lost = os.path.isfile(os.path.join(real, ".git")) and not os.path.isdir(home)
    return Stranger("a worktree of a repository that was moved" if lost else "another repository", lost)


def is_gone(path: str) -> bool:
    """Tell whether nothing is left of a directory, or nothing inside it."""
    try:
        return not os.listdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
