"""Delete directories, but nothing that is mounted in them.

Runs as a script in the background, too, where it deletes what was renamed aside; so it imports nothing of ours.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import sys
from collections.abc import Iterator

_MOUNTS = "/proc/self/mountinfo"


def mounts_below(directory: str) -> list[str]:
    """Return what is mounted at a directory or below it, as absolute paths.

    directory: an absolute path; symbolic links in it are resolved.
    A bind mount has the device number of its file system, so only the system's list shows it; proc(5). Systems without
    that list have no bind mounts.
    """
    root = os.path.realpath(directory)
    try:
        with open(_MOUNTS, "rb") as file:
            found = [os.fsdecode(_unescaped(line.split(b" ")[4])) for line in file]
    except OSError:
        found = _other_devices(root)
    return sorted({path for path in found if path == root or path.startswith(root.rstrip("/") + "/")})


def _unescaped(path: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), path)


def _other_devices(root: str) -> list[str]:
    found = [root] if os.path.ismount(root) else []
    for at, directories, _ in os.walk(root):
        mounted = [name for name in directories if os.path.ismount(os.path.join(at, name))]
        found += [os.path.join(at, name) for name in mounted]
        directories[:] = [name for name in directories if name not in mounted]
    return found


def delete_tree(directory: str) -> None:
    """Delete a directory and what is in it. Raises OSError, and deletes nothing, when something is mounted in it."""
    if mounted := mounts_below(directory):
        raise OSError(errno.EBUSY, "something is mounted in it", mounted[0])
    import shutil

    shutil.rmtree(directory)


def delete_marked(root: str, most: int | None = None) -> set[str]:
    """Delete the directories that the markers in root name; their processes may have died before they could.

    root: the directory with the markers.
    most: leave directories with more files than this; None: no limit.
    Returns the names of the markers that stay although no process holds them.
    """
    left = set()
    for name in _waiting(root):
        marker = os.path.join(root, name)
        with contextlib.suppress(OSError), _opened(marker) as fd:
            if try_hold(fd) and not _empty(marker, os.fsdecode(os.pread(fd, 65536, 0)), most):
                left.add(name)
    return left


def trash_of(marker: str) -> str:
    """Return the directory that a marker names, examined or not; "" if there is no marker."""
    try:
        with open(marker, "rb") as file:
            return os.fsdecode(file.read().partition(b"\0")[0])
    except OSError:
        return ""


def first_undeletable(trash: str) -> str | None:
    """Return the first directory inside that is not ours to empty, None if there is none."""
    closed = (each for each in _directories(trash) if not os.access(each, os.R_OK | os.W_OK | os.X_OK))
    return next(closed, None)


def _directories(top: str) -> Iterator[str]:
    """Yield a directory and those below it, also those that can't be read, each before it is read."""
    if os.path.isdir(top):
        yield top
        for directory, names, _ in os.walk(top):
            paths = (os.path.join(directory, name) for name in names)
            yield from (path for path in paths if not os.path.islink(path))


def try_hold(fd: int) -> bool:
    """Lock an open file if no process holds it; return whether that worked. The lock ends when the file is closed."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_held(path: str) -> bool:
    """Tell whether a live process holds the file at path, which is created if it is missing."""
    with _opened(path) as fd:
        return not try_hold(fd)


def delete_all_marked(root: str, lock: str) -> None:
    """Delete everything, one process at a time; return at once when another one is at work.

    After the lock is released the markers are read once more: whoever found it held had left its marker before.
    """
    stubborn: set[str] = set()
    while set(_waiting(root)) - stubborn:
        with _opened(lock) as fd:
            if not try_hold(fd):
                return
            before = set(_waiting(root))
            stubborn |= delete_marked(root) | (before & set(_waiting(root)))


def _waiting(root: str) -> list[str]:
    return [name for name in os.listdir(root) if not name.startswith(".")]


@contextlib.contextmanager
def _opened(path: str) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def _empty(marker: str, trash: str, most: int | None) -> bool:
    # Whatever the marker says, only an absolute path with a name of ours is deleted.
    if os.path.isabs(trash) and os.path.basename(trash).startswith(".trash-") and not os.path.islink(trash):
        if most is not None and _is_big(trash, most):
            return False
        _delete(trash)
    if os.path.lexists(trash):
        return False
    os.unlink(marker)
    return True


def _is_big(directory: str, most: int) -> bool:
    seen, ahead = 0, [directory]
    while ahead:
        try:
            with os.scandir(ahead.pop()) as entries:
                for entry in entries:
                    seen += 1
                    if seen > most:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        ahead.append(entry.path)
        except OSError:
            continue
    return False


def _delete(trash: str) -> None:
    if mounts_below(trash):
        return
    import shutil

    shutil.rmtree(trash, ignore_errors=True)
    if os.path.isdir(trash):  # read-only directories, as in module caches
        for directory in _directories(trash):
            with contextlib.suppress(OSError):
                os.chmod(directory, 0o700)
        shutil.rmtree(trash, ignore_errors=True)


if __name__ == "__main__":
    os.nice(19)
    with contextlib.suppress(OSError):
        delete_all_marked(sys.argv[1], sys.argv[2])
