"""Translate SQLite's errors into one line and a hint, and name the process that holds the write lock."""

from __future__ import annotations

import errno
import os

from git_agent.errors import FULL, AgentError, Exit, full_hint

_WRITE_LOCK_BYTE = 120  # of the -shm file: WAL_WRITE_LOCK, https://sqlite.org/walformat.html#wal_locks


class Violation(Exception):  # noqa: N818 - it says what happened
    """A statement would have violated a constraint of the tables."""


def translate(error: BaseException, path: str, system: int = 0) -> AgentError:
    """Return the AgentError for an error that APSW or the system raised.

    path: the database file
    system: the errno of what SQLite asked of the system last, 0 if unknown
    """
    name = _sqlite_name(error)
    if name == "FullError" or (name == "IOError" and system in FULL):
        why = os.strerror(system if system in FULL else errno.ENOSPC)
        return AgentError(
            "disk-full", f"cannot write the store: {why}; nothing was changed in it", full_hint(system, path)
        )
    if name == "NoMemError" or (name == "IOError" and system == errno.ENOMEM):
        raise MemoryError from error
    if name in ("BusyError", "LockedError"):
        return _busy(path)
    if name == "CantOpenError" and os.path.exists(path) and not os.access(path, os.R_OK):
        return AgentError("store-not-readable", f"cannot read the store {path}", "check its mode and owner")
    if name in ("ReadOnlyError", "CantOpenError", "PermissionsError") or isinstance(error, PermissionError):
        return AgentError(
            "store-not-writable",
            f"cannot open the store {path} for writing",
            f"make {os.path.dirname(path)} writable for this user (in a sandbox: add it to the writable roots)",
        )
    if name in ("NotADBError", "CorruptError"):
        return AgentError(
            "store-corrupt",
            f"{path} is not a valid database: {_text(error)}",
            "git agent doctor; the file is left as it is",
        )
    if name == "IOError":
        return AgentError("store-io", f"reading or writing {path} failed: {_text(error)}", "check the disk, then retry")
    return AgentError(
        "store-failed", f"the store {path} failed: {_text(error)}", "git agent init repairs a partial store"
    )


def no_waiting(path: str) -> AgentError:
    """Return the error for waiting on a store that is open without the file that processes share."""
    says = f"cannot wait for a change of the store {path}: there is no room for {os.path.basename(path)}-shm"
    return AgentError("disk-full", says, full_hint(0, path))


def damaged(path: str, what: str) -> AgentError:
    """Return the error for a row that cannot be read.

    what: the invalid content
    """
    return AgentError("store-damaged", f"the store {path} has {what}", "git agent doctor")


def replaced(path: str) -> AgentError:
    """Return the error for a database that was deleted or replaced while a command ran."""
    return AgentError(
        "store-replaced",
        f"the store {path} was replaced while this command ran; nothing was written",
        "run it again",
    )


def _sqlite_name(error: BaseException) -> str:
    seen: BaseException | None = error
    while seen is not None:
        original = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else seen
        for kind in type(original).__mro__:
            if kind.__module__ == "apsw":
                return kind.__name__
        seen = seen.__cause__ or seen.__context__
    return ""


def _text(error: BaseException) -> str:
    return str(error).replace("\n", " ").strip()


def _busy(path: str) -> AgentError:
    holder = write_lock_holder(path)
    return AgentError(
        "store-busy",
        "the store is busy" + (f": {holder}" if holder else ""),
        "try again; if that process is stopped, continue it with kill -CONT PID, or end it",
        exit=Exit.BUSY,
    )


def write_lock_holder(path: str) -> str | None:
    """Describe the process that holds the write lock, according to /proc/locks. None where there is no /proc."""
    try:
        inode = os.stat(path + "-shm").st_ino
        lines = _lines("/proc/locks")
    except OSError:
        return None
    for line in lines:
        words = line.split()
        if len(words) >= 8 and words[3] == "WRITE" and words[5].endswith(f":{inode}") and _covers(words[6:8]):
            return _describe(words[4])
    return None


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def _covers(span: list[str]) -> bool:
    first, last = span
    return int(first) <= _WRITE_LOCK_BYTE and (last == "EOF" or int(last) >= _WRITE_LOCK_BYTE)


def _describe(pid: str) -> str:
    try:
        status = dict(line.split(":", 1) for line in _lines(f"/proc/{pid}/status") if ":" in line)
    except OSError:
        return f"write lock held by pid {pid}"
    stopped = ", stopped" if status.get("State", "").strip().startswith(("T", "t")) else ""
    return f"write lock held by pid {pid} ({status.get('Name', '').strip()}){stopped}"
