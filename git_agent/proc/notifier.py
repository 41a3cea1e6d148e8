"""Start the command of agent.notify in the background."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile

from git_agent.proc.environment import clean_environment, placed

_MOST = 256 * 1024  # bytes; a larger output file is truncated first
_started: list[int] = []


def start_notifier(command: str, *, cwd: str, document: str, output: str) -> None:
    """Start a command of the user's configuration with sh, in its own session, and do not wait for it.

    document: its standard input
    output: path of the file that its output is appended to

    Raises OSError if it can't be started.
    """
    _reap()
    # An unnamed file, because a pipe holds only 64 KiB: we would block on a command that does not read it.
    with tempfile.TemporaryFile(dir=os.path.dirname(output)) as given, open(_opened(output), "ab") as said:
        given.write(document.encode())
        given.seek(0)
        child = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=placed(clean_environment(), cwd),
            stdin=given,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    child.returncode = 0  # without this, Python warns about a child that still runs
    _started.append(child.pid)


def _reap() -> None:
    """Reap ended commands: `watch` runs for a long time, and they must not pile up as zombies."""
    for pid in tuple(_started):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG)[0] == 0:
                continue
        _started.remove(pid)


def _opened(path: str) -> int:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if os.fstat(file).st_size > _MOST:
        os.ftruncate(file, 0)
    return file
