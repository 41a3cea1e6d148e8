"""Reconnect worktrees with their registrations, and tell where a worktree's .git file leads."""

from __future__ import annotations

import os

from git_agent.errors import refused
from git_agent.files import replace_file
from git_agent.git.discover import linked, named_git_dir
from git_agent.git.locks import private_dir
from git_agent.git.place import place_fault, renamed_checkout
from git_agent.git.repo import Repo
from git_agent.git.worktrees.registry import names_registration


def reconnect(repo: Repo, admin: str, path: str) -> None:
    """Write both pointers again after repository and worktree were moved together and neither finds the other.

    repo: the repository at its new place.
    admin: the worktree's name under worktrees/.
    path: the worktree's new top level.
    `git worktree repair` of git 2.39 does not: "unable to locate repository; .git file does not reference a
    repository". The caller holds the creation lock.
    Raises AgentError (exit 3) when one of the old places exists, or the directory is no worktree of this name.
    """
    where = repo.admin_dir(admin)
    before, after = linked(where), named_git_dir(path)
    if os.path.basename(after) != admin or before is None or os.path.lexists(before) or os.path.lexists(after):
        raise refused("not-moved", f"{path} is not the worktree that was moved from {before}", "git worktree list")
    _point(os.path.join(where, "gitdir"), os.path.join(path, ".git"))
    _point(os.path.join(path, ".git"), f"gitdir: {where}")


def _point(file: str, text: str) -> None:
    # A fixed name, under the creation lock: however often we are killed, at most one untracked file is left.
    replace_file(file, os.fsencode(text) + b"\n", temporary=f"{file}.new", sync=True)


def repair_pointers(repo: Repo, path: str) -> None:
    """Have git reconnect a worktree and its registration after one of them was moved."""
    repo.git("worktree", "repair", "--", path)


def point_back(repo: Repo, admin: str, path: str) -> None:
    """Write a worktree's .git file again. Raises OSError when that is a directory."""
    _point(os.path.join(path, ".git"), f"gitdir: {repo.admin_dir(admin)}")


def register_again(repo: Repo, admin: str, path: str) -> None:
    """Write the pointers of a registration again: to the repository, and to the worktree. Raises OSError."""
    where = repo.admin_dir(admin)
    if os.path.islink(where):
        raise refused("not-ours", f"{where} is a symbolic link", f"ls -l {where}")
    _point(os.path.join(where, "commondir"), os.path.join("..", ".."))
    _point(os.path.join(where, "gitdir"), os.path.join(path, ".git"))


def is_connected(repo: Repo, path: str) -> bool:
    """Tell whether git finds this repository from a worktree, and works there as the repository is configured."""
    return os.path.isdir(named_git_dir(path)) and place_fault(repo.common_dir, repo.main_worktree, path) is None


def claimed_elsewhere(repo: Repo, path: str) -> bool:
    """Tell whether a directory is registered with another repository, named in its .git file: then ours is a copy."""
    home = named_git_dir(path)
    return bool(home) and not names_registration(repo, path) and linked(home) == os.path.realpath(path)


def leads_nowhere(repo: Repo, path: str) -> bool:
    """Tell whether a directory was a worktree of this repository that is no longer registered."""
    return names_registration(repo, path) and not os.path.isdir(named_git_dir(path))


def work_in(repo: Repo, admin: str, path: str) -> list[str]:
    """List what a half-made worktree holds besides files as committed: work that must not be deleted with it.

    admin: its name under worktrees/.
    path: its top level.
    Its index may be missing or half written, so HEAD is read into one of our own.
    """
    here = renamed_checkout(path, repo.admin_dir(admin))
    import tempfile

    with tempfile.TemporaryDirectory(dir=private_dir(repo, "scratch")) as scratch:
        env = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        look = ("status", "--porcelain=v1", "-z", "--untracked-files=all", "--ignored", "--ignore-submodules=dirty")
        here.git("read-tree", "HEAD", env=env)
        said = here.git(*look, env=env)
    return [field for field in said.fields if field and field[:2] != " D"]
