"""Files that are replaced whole, programs on PATH, and where temporary files are made. Imports nothing of ours."""

from __future__ import annotations

import contextlib
import errno
import os
import stat


def replace_file(
    path: str,
    content: bytes,
    mode: int | None = None,
    *,
    temporary: str | None = None,
    sync: bool = False,
    mtime: float | None = None,
) -> None:
    """Replace a file: write a temporary file in the same directory, then rename it over path.

    A symbolic link at path is replaced, not followed. The owner of what stands at path is kept where the system allows
    it. After any failure the old file is whole and the temporary file is gone; only a killed process leaves it behind.

    path: the file; its directory must exist.
    content: all bytes of the new file.
    mode: its permission bits. None keeps those of a regular file; a new file then gets 0666 without the umask's bits.
    temporary: the name to write under, for callers that hold a lock: a file of that name is overwritten, so that killed
        processes leave at most one. None takes a name that nobody else has.
    sync: flush the bytes to disk before the rename, for files whose old bytes nobody could restore: after a power cut
        some file systems have the new name without its bytes (ext4(5), auto_da_alloc).
    mtime: modification time, in seconds since the epoch. None: now.
    Raises OSError.
    """
    new = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.new" if temporary is None else temporary
    held = _lstat(path)
    if mode is None and held is not None and stat.S_ISREG(held.st_mode):
        mode = stat.S_IMODE(held.st_mode)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_EXCL if temporary is None else os.O_TRUNC)
    fd = os.open(new, flags, 0o666 if mode is None else 0o600)
    try:
        with open(fd, "wb") as file:
            _keep_owner(fd, held)
            if mode is not None:
                os.fchmod(fd, mode)
            file.write(content)
            file.flush()
            if sync:
                os.fsync(fd)
            if mtime is not None:
                os.utime(fd, (mtime, mtime))
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def ensure_file(path: str, content: bytes, mode: int, *, temporary: str | None = None, sync: bool = False) -> bool:
    """Replace a file unless it is a regular file with these bytes and this mode already; say whether it was replaced.

    content: all bytes of the file.
    mode: its permission bits.
    temporary, sync: as for replace_file.
    Raises OSError.
    """
    held = _lstat(path)
    alike = held is not None and stat.S_ISREG(held.st_mode) and stat.S_IMODE(held.st_mode) == mode
    if alike and read_or_empty(path) == content:
        return False
    replace_file(path, content, mode, temporary=temporary, sync=sync)
    return True


def read_or_empty(path: str) -> bytes:
    """Return the bytes of a file, b"" where there is none. Raises OSError."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _lstat(path: str) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError):
        return os.lstat(path)
    return None


def _keep_owner(fd: int, held: os.stat_result | None) -> None:
    if held is not None and (held.st_uid, held.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(OSError):
            os.fchown(fd, held.st_uid, held.st_gid)


def find_program(name: str) -> str | None:
    """Return the path of a program on PATH, None without one.

    As shutil.which, which every command would need: with the compression libraries, importing shutil takes 4 ms.
    """
    paths = (os.path.join(directory, name) for directory in os.get_exec_path())
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def temporary_root() -> str:
    """Return the directory in which to make temporary directories.

    It is never the current one: on a full disk, tempfile tries that last, and our files would lie in the repository.
    Raises OSError when there is none.
    """
    for path in (os.environ.get("TMPDIR"), "/tmp", "/var/tmp", "/usr/tmp"):
        if path and os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK):
            return os.path.abspath(path)
    raise FileNotFoundError(errno.ENOENT, "no directory for temporary files is writable", "/tmp")
