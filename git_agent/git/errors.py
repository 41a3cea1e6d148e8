"""Turn errors of the operating system into one line and a hint."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from git_agent.errors import AgentError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


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
    if error.errno in _FULL:
        return AgentError("disk-full", f"the disk is full{where}: {what}", "free space, then try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "make it writable for this user (in a sandbox: add it to the writable roots)"
        return AgentError("cannot-write", f"cannot write{where}: {what}", hint)
    return AgentError(
        "system-error", f"the system failed{where}: {what}", "check the disk and the resource limits, then try again"
    )
