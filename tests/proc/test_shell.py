"""Commands of the configuration: what they print, how they end, and what is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_agent.proc import shell
from tests.hooks.crowd import eventually
from tests.processes import commands


def test_lines_come_whole_whatever_ends_them(tmp_path: Path) -> None:
    lines, heard = list[str](), list[bytes]()
    script = r"printf 'a\r\nb\rc\n\377'; printf 'd' >&2; test -z \"$GIT_DIR$(cat)\" || echo no; exit 3"
    ran = shell.run_shell(script.replace('\\"', '"'), str(tmp_path), {"X": "1"}, lines.append, heard=heard.append)
    assert (ran.status, lines, ran.tail) == (3, ["a", "b", "c", "\N{REPLACEMENT CHARACTER}d"], tuple(lines))
    assert b"".join(heard) == b"a\r\nb\rc\n\377d"


def test_a_command_that_is_killed_by_a_signal_says_so(tmp_path: Path) -> None:
    assert shell.run_shell("kill -s TERM $$", str(tmp_path), {}, print).status == -15


@pytest.mark.parametrize("leaves", [False, True])
def test_what_is_in_the_background_stays_only_where_it_may(tmp_path: Path, leaves: bool) -> None:
    number = f"6{os.getpid()}.{int(leaves)}"
    began = time.monotonic()
    ran = shell.run_shell(f"sleep {number} & exit 4", str(tmp_path), {}, print, leaves=leaves)
    assert ran.status == 4 and time.monotonic() - began < 20  # it has the output open, and is not waited for
    # What was forked may not be `sleep` yet, and what was killed is not gone at once.
    wanted = f"^sleep {number}" if leaves else number
    eventually(lambda: bool(commands(wanted)) == leaves, lambda: commands(number))
    for pid in commands(number):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.rest
def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    number = f"7{os.getpid()}"
    ran = shell.run_shell(
        f"trap '' TERM; echo x; sleep {number} & sleep {number}", str(tmp_path), {}, print, within_s=0.3
    )
    assert (ran.status, ran.tail) == (None, ("x",))
    eventually(lambda: not commands(number), lambda: commands(number))


def test_nothing_runs_on_when_its_starter_is_killed(tmp_path: Path) -> None:
    number = f"8{os.getpid()}"
    run = f"run_shell('sleep {number} & echo on; sleep {number}', '/', {{}}, print)"
    code = f"from git_agent.proc.shell import run_shell\n{run}"
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None and starter.stdout.readline() == b"on\n"
        starter.kill()
    eventually(lambda: not commands(number), lambda: commands(number))
