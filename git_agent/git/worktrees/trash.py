"""Directories on their way out: renamed aside in a moment, deleted at once where they are small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.errors import AgentError
from git_agent.git.locks import private_dir, try_hold
from git_agent.git.repo import Repo
from git_agent.git.worktrees import sweeper

# Files; measured, time of the processor: 2,000 are counted in 1 ms and deleted in 16, 50,000 are deleted in 530.
_SMALL = 2000
_LOCK = "trash.lock"
_running: list[subprocess.Popen[bytes]] = []  # until they are reaped: a `watch` lives long


@contextmanager
def moved_aside(repo: Repo, real: str) -> Iterator[str]:
    """Rename a directory, so that nobody finds it any more, and lend its new path; "" where there is none.

    It is renamed back when the block raises. Nobody deletes it before the block ends; `sweep` does afterwards.
    """
    if not os.path.lexists(real):
        yield ""
        return
    name, root = f"{os.getpid()}-{os.urandom(4).hex()}", private_dir(repo, "trash")
    marker, trash = os.path.join(root, name), os.path.join(os.path.dirname(real), f".trash-{name}")
    # The marker first: after a crash it says that this directory was ours to delete. It is locked until all is
    # decided, so that nobody's sweep takes it for a leftover.
    with open(os.path.join(root, "." + name), "xb") as file:
        try_hold(file.fileno())
        file.write(os.fsencode(trash))
        file.flush()
        os.rename(file.name, marker)
        try:
            _rename(real, trash)
            yield trash
        except BaseException:
            if os.path.lexists(trash):
                os.rename(trash, real)
            os.unlink(marker)
            raise


def _rename(real: str, trash: str) -> None:
    try:
        os.rename(real, trash)
    except OSError as error:
        raise AgentError("cannot-remove", f"can't rename {real}: {error.strerror}", "check its permissions") from error


def delete_trash(repo: Repo) -> None:
    """Delete what was renamed aside; big directories in a process of its own, which nobody waits for."""
    root = private_dir(repo, "trash")
    if sweeper.delete_marked(root, _SMALL):
        _sweep_behind(root, os.path.join(private_dir(repo), _LOCK))


def delete_stale_markers(repo: Repo) -> None:
    """Delete markers of renames that never came to be; call it with the creation lock held, as renames do."""
    root = private_dir(repo, "trash")
    for name in os.listdir(root):
        if name.startswith("."):
            os.unlink(os.path.join(root, name))


def _sweep_behind(root: str, lock: str) -> None:
    if sweeper.is_held(lock):
        return  # the one at work sees the new marker
    _running[:] = [each for each in _running if each.poll() is None]
    no = subprocess.DEVNULL
    command = [sys.executable, "-I", "-S", sweeper.__file__, root, lock]
    try:
        _running.append(subprocess.Popen(command, cwd="/", stdin=no, stdout=no, stderr=no, start_new_session=True))
    except OSError:
        sweeper.delete_marked(root)
