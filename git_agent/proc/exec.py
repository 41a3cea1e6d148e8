"""Become another program: the process, its terminal and its exit code are that one's from here on."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn


def exec_program(words: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> NoReturn:
    """Become a program. cwd: where it runs, here when None; env: its whole environment, ours when None.

    Raises OSError when it can't be started.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if cwd is not None:
        os.chdir(cwd)
    # What we catch is given back to the system by exec; what Python ignores by itself would stay ignored.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvpe(words[0], list(words), dict(os.environ if env is None else env))
