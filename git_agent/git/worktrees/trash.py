"""Directories to be deleted: renamed aside in a moment; small ones are deleted at once, big ones in the background."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from git_agent.errors import AgentError
from git_agent.git import sweeper
from git_agent.git.locks import private_dir, try_hold
from git_agent.git.repo import Repo

# Files. Measured, in processor time: counting 2,000 takes 1 ms and deleting them 16; deleting 50,000 takes 530.
_SMALL = 2000
_LOCK = "trash.lock"
_OLD_S = 60.0  # a process deletes a directory that it renamed at once
_running: list[subprocess.Popen[bytes]] = []  # until they are reaped: `git agent watch` runs for long


@contextmanager
def moved_aside(repo: Repo, real: str) -> Iterator[str]:
    """Rename a directory so that no process finds it any more; yield its new path, "" when there is no directory.

    The block looks at what is in it. If the block raises, the directory is renamed back, and if the process dies in it,
    restore_unexamined does that. It is not deleted before the block ends; delete_trash does that.
    """
    if not os.path.lexists(real):
        yield ""
        return
    name, root = f"{os.getpid()}-{os.urandom(4).hex()}", private_dir(repo, "trash")
    marker, trash = os.path.join(root, name), os.path.join(os.path.dirname(real), f".trash-{name}")
    # The first marker says where the directory was, so that it can go back; the second one, that it may be deleted.
    # The first is locked until the block ends, so that no other process takes it for a leftover.
    with open(os.path.join(root, "." + name), "xb") as file:
        try_hold(file.fileno())
        file.write(os.fsencode(trash) + b"\0" + os.fsencode(real))
        file.flush()
        try:
            _rename(real, trash)
            yield trash
            with open(marker, "xb") as examined:
                examined.write(os.fsencode(trash))
        except BaseException:
            if os.path.lexists(trash):
                os.rename(trash, real)
            raise
        finally:
            os.unlink(file.name)


def _rename(real: str, trash: str) -> None:
    try:
        os.rename(real, trash)
    except OSError as error:
        raise AgentError("cannot-remove", f"can't rename {real}: {error.strerror}", "check its permissions") from error


def delete_trash(repo: Repo) -> list[str]:
    """Delete what was renamed aside; big directories in a background process.

    Returns a line for each directory of which something could not be deleted.
    """
    root = private_dir(repo, "trash")
    left = sweeper.delete_marked(root, _SMALL)
    stubborn = _stubborn(root, left)
    if len(stubborn) < len(left):
        _sweep_behind(root, os.path.join(private_dir(repo), _LOCK))
    return list(stubborn.values())


def undeleted(repo: Repo, where: str) -> dict[str, str]:
    """Map renamed directories that no process deletes to why: permissions, an immutable file, a marker that was lost.

    where: the directory of the worktrees.
    """
    private = os.path.join(repo.common_dir, "git-agent")
    root, lock = os.path.join(private, "trash"), os.path.join(private, _LOCK)
    if os.path.exists(lock) and sweeper.is_held(lock):
        return {}
    found = {sweeper.trash_of(os.path.join(root, name)): name for name in _names(root) if not name.startswith(".")}
    waits = {trash: name for trash, name in found.items() if os.path.isdir(trash)}
    free = {trash: name for trash, name in waits.items() if not sweeper.is_held(os.path.join(root, name))}
    closed = _stubborn(root, free.values())
    old = {name for name in free.values() if time.time() - os.stat(os.path.join(root, name)).st_mtime > _OLD_S}
    left = {t: closed.get(n, f"{t} could not be deleted") for t, n in free.items() if n in closed or n in old}
    paths = [os.path.join(where, name) for name in _names(where) if name.startswith(".trash-")]
    hidden = [os.path.join(root, name) for name in _names(root) if name.startswith(".")]
    busy = {sweeper.trash_of(marker) for marker in hidden if sweeper.is_held(marker)}  # being examined
    strays = (path for path in paths if path not in found and path not in busy)
    return {**left, **{path: f"{path} is left of a removed worktree" for path in strays}}


def _names(directory: str) -> list[str]:
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def _stubborn(root: str, names: Iterable[str]) -> dict[str, str]:
    """Map the markers of directories with something that can't be deleted to a line that names it."""
    found = {}
    for name in names:
        trash = sweeper.trash_of(os.path.join(root, name))
        if closed := sweeper.first_undeletable(trash):
            found[name] = f"{closed} can't be deleted; what is left of the worktree is in {trash}"
    return found


def restore_unexamined(repo: Repo) -> None:
    """Rename back what processes had renamed aside, but not examined, before they died.

    The caller holds the creation lock, as renames do. What has something else in its old place stays where it is.
    """
    root = private_dir(repo, "trash")
    for name in os.listdir(root):
        with contextlib.suppress(FileNotFoundError):
            if name.startswith(".") and not sweeper.is_held(path := os.path.join(root, name)):
                _restore(path, os.path.join(root, name[1:]))


def _restore(path: str, marker: str) -> None:
    with open(path, "rb") as file:
        trash, _, real = map(os.fsdecode, file.read().partition(b"\0"))
    if not os.path.lexists(marker) and trash and os.path.lexists(trash):
        if not real or os.path.lexists(real):
            return
        os.rename(trash, real)
    os.unlink(path)


def _sweep_behind(root: str, lock: str) -> None:
    if sweeper.is_held(lock):
        return  # the process at work will see the new marker
    _running[:] = [each for each in _running if each.poll() is None]
    no = subprocess.DEVNULL
    command = [sys.executable, "-X", "utf8", "-I", "-S", sweeper.__file__, root, lock]
    try:
        _running.append(subprocess.Popen(command, cwd="/", stdin=no, stdout=no, stderr=no, start_new_session=True))
    except OSError:
        sweeper.delete_marked(root)
