"""Replace this process with another program (execve(2)), which keeps our terminal and returns its own exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from git_agent.proc.environment import placed


def exec_program(words: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> NoReturn:
    """Replace this process with a program.

    words: the command
    cwd: the directory to run in; None: the current one
    env: the whole environment; None: ours

    Raises OSError if it can't be started; then this process is as it was, but for its current directory.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if cwd is not None:
        os.chdir(cwd)
    # exec resets caught signals to the default, but SIGPIPE, which Python ignores, would stay ignored.
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvpe(words[0], list(words), placed(os.environ if env is None else env, cwd or os.getcwd()))
    finally:
        signal.signal(signal.SIGPIPE, before)  # else the report of the error to a closed pipe would kill us
