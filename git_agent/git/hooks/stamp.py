"""The stamp of an installation: whether anything has changed since that could decide which hooks git runs."""

from __future__ import annotations

import os
from collections.abc import Iterable

import git_agent
from git_agent.files import find_program, read_or_empty
from git_agent.git.hooks.scripts import write_hook_file
from git_agent.git.repo import Repo


def write_stamp(repo: Repo, program: str, files: Iterable[str], *, guard: bool) -> None:
    """Record the installation as it is now, with the lock of the hooks held.

    program: absolute path of git-agent.
    files: the scripts, hooks directories and configuration files that the installation wrote or copied.
    guard: whether agent.guard is on.
    Raises OSError.
    """
    ours = [os.path.join(_store(repo), name) for name in ("program", "enabled")]
    paths = [*_configurations(repo), *ours, *files]
    write_hook_file(_path(repo), _signed(_terms(repo, program, guard), map(os.fsencode, paths)), 0o600)


def hooks_are_intact(repo: Repo, program: str, *, guard: bool) -> bool:
    """Tell whether nothing relevant has changed since install_hooks(); only stats files."""
    held = read_or_empty(_path(repo))
    paths = held.split(b"\0")[1::2]
    return bool(paths) and held == _signed(_terms(repo, program, guard), paths)


def read_stamp(repo: Repo) -> bytes:
    """Return the stamp as it is, b"" without one; it changes with every hook."""
    return read_or_empty(_path(repo))


def stamped_directories(repo: Repo) -> list[str]:
    """List the hooks directories outside of the store that the stamp names.

    Returns none when the stamp was copied with its repository: it then names the original's, where the hooks must stay.
    """
    paths = [os.fsdecode(path) for path in read_or_empty(_path(repo)).split(b"\0")[1::2]]
    if os.path.join(_store(repo), "program") not in paths:
        return []
    return [path for path in paths if os.path.isdir(path) and not path.startswith(_store(repo))]


def _store(repo: Repo) -> str:
    return os.path.join(repo.common_dir, "git-agent")


def _path(repo: Repo) -> str:
    return os.path.join(_store(repo), "hooks", "stamp")


def _signed(terms: bytes, paths: Iterable[bytes]) -> bytes:
    """Join the terms and, for each path, its name and its size, modification time and inode, with NULs in between."""
    parts = [terms]
    for path in paths:
        try:
            held = os.stat(path)
            parts += [path, b"%d %d %d" % (held.st_size, held.st_mtime_ns, held.st_ino)]
        except OSError:
            parts += [path, b"-"]
    return b"\0".join(parts)


def _terms(repo: Repo, program: str, guard: bool) -> bytes:
    env = [os.environ.get(name, "") for name in ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")]
    there = [os.path.isdir(os.path.join(_store(repo), name)) for name in ("beat", "spool")]
    # Not the path: in a hook, git's own directory comes first on PATH and holds the same file.
    binary = _signed(b"", [os.fsencode(find_program("git") or "git")]).rpartition(b"\0")[2]
    return os.fsencode(repr((git_agent.__version__, repo.common_dir, program, guard, env, there, binary)))


def _configurations(repo: Repo) -> list[str]:
    """List the configuration files that can change which hooks git runs, whether they exist or not."""
    home = os.path.expanduser("~")
    xdg = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    globally = os.environ.get("GIT_CONFIG_GLOBAL")
    ours = [globally] if globally else [os.path.join(home, ".gitconfig"), os.path.join(xdg, "git", "config")]
    system = os.environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig"
    return [os.path.join(repo.common_dir, "config"), *ours, system]
