"""What surrounds a command: the directories that it, and the processes above it, come from."""

from __future__ import annotations

import os
from collections.abc import Mapping

from git_agent.proc.processes import ancestors
from git_agent.record import Record

_TOKEN = b"GIT_AGENT_TOKEN="


class Origin(Record):
    """A place that a command may come from.

    what: how it is known, with a verb: `PWD was`, or `process 7 above it is in`
    directory: an absolute path; "" when it can't be read, as for a process of another user
    has_token: the pid of a process that was started with the token of a worker, None for any other
    """

    what: str
    directory: str
    has_token: int | None = None

    @property
    def above(self) -> tuple[str, ...]:
        """Return the directory and those above it."""
        return above(self.directory)


def origins(env: Mapping[str, str]) -> list[Origin]:
    """List where a command may come from, by its environment and by the processes above it, the nearest first.

    OLDPWD is where the shell was before: a person who looked into a worktree has it as well.
    Takes 0.2 ms for six processes (measured). Without /proc (macOS) the processes are unknown.
    """
    named = [Origin(f"{name} was", env.get(name, "")) for name in ("PWD", "OLDPWD")]
    over = [Origin(f"process {pid} above it is in", _directory(pid), _has_token(pid)) for pid in ancestors()]
    return [*named, *over]


def above(path: str) -> tuple[str, ...]:
    """Return an absolute path and the directories above it, without `/`, the longest first; () for any other path."""
    parts = path.split(os.sep) if os.path.isabs(path) else []
    return tuple(os.sep.join(parts[:end]) for end in range(len(parts), 1, -1))


def _directory(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd").removesuffix(" (deleted)")
    except OSError:
        return ""


def _has_token(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return pid if any(each.startswith(_TOKEN) for each in file.read().split(b"\0")) else None
    except OSError:
        return None
