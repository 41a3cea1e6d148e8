"""Turn errors of the operating system into one line and a hint."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.errors import FULL, AgentError, full_hint

_PROBE = 65_536  # bytes
_NOT_WRITTEN = r"(?i:unable to|could not|couldn't|cannot|failed to) write[^'\n]*(?:'(?P<path>[^'\n]*)')?"


@contextmanager
def explain_system_errors() -> Iterator[None]:
    """Raise AgentError instead of an OSError."""
    try:
        yield
    except OSError as error:
        raise system_error(error) from error


def system_error(error: OSError) -> AgentError:
    """Turn what the system refused into an AgentError (exit 1): a full disk, missing permissions, a broken device."""
    path = error.filename if error.filename is not None else ""
    where = f" at {os.fsdecode(path)}" if isinstance(path, str | bytes) and path else ""
    what = error.strerror or str(error)
    if error.errno in FULL:
        return AgentError(
            "disk-full", f"cannot write{where}: {what}", full_hint(error.errno or 0, os.fsdecode(path) if where else "")
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "make it writable for this user (in a sandbox: add it to the writable roots)"
        return AgentError("cannot-write", f"cannot write{where}: {what}", hint)
    return AgentError(
        "system-error", f"the system failed{where}: {what}", "check the disk and the resource limits, then try again"
    )


def no_room(directory: str) -> OSError | None:
    """Return why a small file can't be written in a directory: no space, a quota or a limit; None if it can."""
    import tempfile

    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error if error.errno in FULL else None
    return None


def names_no_room(said: str) -> int:
    """Return the errno, one of FULL, that git's message names; 0 if it names none."""
    return next((number for number in FULL if os.strerror(number) in said), 0)


def with_reason(said: str, directory: str) -> str:
    """Add to what git said why a file could not be written: of a checkout or a ref it only says that.

    directory: where git ran
    """
    failed = re.search(_NOT_WRITTEN, said)
    if failed is None or names_no_room(said):
        return said
    path = failed["path"] or ""
    why = no_room(os.path.dirname(path) if os.path.isabs(path) else directory)
    if why is None:
        return said
    rest = (line for line in said.splitlines() if not re.search(_NOT_WRITTEN, line))  # a line for each file
    return "\n".join((f"error: {failed[0]}: {why.strerror}", *rest))


def room_hint(said: str) -> str | None:
    """Return what helps when git could not write, None if it said nothing about room or a read-only file system."""
    if number := names_no_room(said):
        return full_hint(number)
    if os.strerror(errno.EROFS) in said:
        return "findmnt shows what is mounted read-only; mount it for writing, then try again"
    return None


def lock_holder(path: str) -> str | None:
    """Name the process of this user that has a lock file of git open, such as `process 12 (git)`; None without one."""
    real = os.path.realpath(path)
    for pid in filter(str.isdecimal, os.listdir("/proc") if os.path.isdir("/proc/self") else ()):
        with contextlib.suppress(OSError):
            there = f"/proc/{pid}/fd"
            if any(os.readlink(f"{there}/{name}") == real for name in os.listdir(there)):
                with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
                    return f"process {pid} ({file.read().strip()})"
    return None
