"""Start the command that tells a person something; nobody waits for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile

from git_agent.proc import shell

_MOST = 256 * 1024  # bytes of the file for its output, which then begins anew
_started: list[int] = []


def start_notifier(command: str, *, cwd: str, document: str, output: str) -> None:
    """Start a command of the user's configuration with sh, in a session of its own.

    document: its standard input; output: a file that gets what it prints. Raises OSError when it can't be started.
    """
    _reap()
    # A file, for a pipe holds 64 KiB: who does not read it would be waited for. It has no name.
    with tempfile.TemporaryFile(dir=os.path.dirname(output)) as given, open(_opened(output), "ab") as said:
        given.write(document.encode())
        given.seek(0)
        child = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=cwd,
            env=shell.clean_environment(),
            stdin=given,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    child.returncode = 0  # without this Python would complain of a child left behind
    _started.append(child.pid)


def _reap() -> None:
    """A `watch` lives long; what it started must not stay as zombies."""
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
