"""The one exception that users see, and the exit codes of the command line. Imports nothing from this package."""

from __future__ import annotations

import errno
from enum import IntEnum

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says when there is no room: on the disk, in the user's quota, or within `ulimit -f`."""

UNWRITABLE = frozenset({"store-not-writable", "disk-full"})
"""The codes of errors after which a command that only reads still works."""


class Exit(IntEnum):
    """Exit codes; scripts rely on them."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    REFUSED = 3
    CONFLICT = 4
    SUPERSEDED = 5
    BUSY = 6
    INTERRUPTED = 130


class AgentError(Exception):
    """An error that users see. It is raised where the reason is known and caught only by the front ends.

    code: stable kebab-case word for machines
    message: one line, lower-case, without a full stop
    hint: what to do about it, often a command
    exit: the process's exit code
    details: lines shown below the message (paths, output of a command), never parsed
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        *,
        exit: Exit = Exit.ERROR,
        details: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.exit = exit
        self.details = details


def refused(code: str, message: str, hint: str = "", details: tuple[str, ...] = ()) -> AgentError:
    """Return the error for a verb that the rules forbid (exit 3)."""
    return AgentError(code, message, hint, exit=Exit.REFUSED, details=details)


def usage(code: str, message: str, hint: str = "") -> AgentError:
    """Return the error for an invalid argument (exit 2)."""
    return AgentError(code, message, hint, exit=Exit.USAGE)


def full_hint(number: int, path: str = "") -> str:
    """Return how to make room.

    number: the errno, one of FULL
    path: what could not be written, if it is known
    """
    if number == errno.EFBIG:
        return "ulimit -f shows the limit of this shell; raise it, then try again"
    if number == errno.EDQUOT:
        return "quota -s shows your quota; free some space, then try again"
    where = f"on the disk of {path} " if path else ""
    return f"free some space {where}(df -h and df -i show which disks are full), then try again"
