"""Which ignored files and symbolic links of a worktree stand nowhere else."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Sequence
from dataclasses import dataclass

from git_agent import context
from git_agent.app import App
from git_agent.git.state import IGNORED, Change

_SIZE = 10 * 1024 * 1024  # bytes, where a file can't be linked but has to be copied
_NUMBER = 50_000  # as many links are made in 0.8 s (measured)


@dataclass(frozen=True, slots=True)
class Loose:
    """Single ignored files: what can be kept aside, and what is too large or too much for that."""

    kept: tuple[str, ...]
    left: tuple[str, ...]


def loose(app: App, worktree: str, changes: Sequence[Change]) -> Loose:
    """List the single ignored files and links of a worktree that the main worktree has not.

    changes: its status, with what is ignored. Ignored directories (builds, dependencies, caches) are not looked into:
    they can be made again.
    """
    ignored = [c.path for c in changes if c.code == IGNORED and not c.path.endswith("/")]
    main = app.repo.main_worktree
    names = [n for n in ignored if n != context.FILE and not _stands_elsewhere(worktree, main, n)]
    kept = [n for n in names if _can_keep(app, os.path.join(worktree, n))][:_NUMBER]
    return Loose(tuple(kept), tuple(n for n in names if n not in set(kept)))


def _can_keep(app: App, path: str) -> bool:
    """Say whether a file is small enough to be copied into the store's directory, or can be linked there.

    Only trying says that: another file system, another owner (fs.protected_hardlinks), one without links.
    """
    if os.lstat(path).st_size <= _SIZE:
        return True
    trial = os.path.join(app.store_dir, f".link-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        os.link(path, trial, follow_symlinks=False)
        os.unlink(trial)
    except OSError:
        return False
    return True


def _stands_elsewhere(worktree: str, main: str | None, name: str) -> bool:
    here, there = os.path.join(worktree, name), os.path.join(main or os.devnull, name)
    if os.path.islink(here):
        # Of agent.link, or the same link.
        alike = os.path.islink(there) and os.readlink(here) == os.readlink(there)
        return alike or (os.path.exists(there) and os.path.realpath(here) == os.path.realpath(there))
    if not os.path.isfile(here):
        return True  # gone since
    return os.path.isfile(there) and not os.path.islink(there) and filecmp.cmp(there, here, shallow=False)
