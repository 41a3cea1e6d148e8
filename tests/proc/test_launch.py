"""Programs that are started together, where a terminal is wanted for what they print."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminals import needed

ROOT = Path(__file__).parents[2]
PLAY = """
import os, sys
from git_agent.proc.programs import ProgramGroup
with ProgramGroup() as crew:
    words = ["sh", "-c", "test -t 1 && stty size <&1 || echo no terminal; printf 'no newline'"]
    program = crew.start(words, cwd="/", env={"PATH": os.defpath}, terminal_width=77)
    crew.follow([program], lambda program, line: print(line), within_s=60)
    print(program.status)
"""


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "no /dev/pts"])
def test_a_program_prints_to_a_terminal_or_to_a_pipe_where_there_is_none(terminal: bool) -> None:
    command = [sys.executable, "-c", PLAY]
    if terminal:
        needed()
    else:
        hide = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
        hidden = 'mount -t tmpfs none /dev/pts && exec "$@"'
        try:
            subprocess.run([*hide, hidden, "sh", "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("/dev/pts can't be hidden here: that needs Linux, unshare and user namespaces")
        command = [*hide, hidden, "sh", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
    assert (done.stdout, done.stderr) == (f"{'50 77' if terminal else 'no terminal'}\nno newline\n0\n", "")
