"""With a person at a terminal the agent has one of its own: keys, sizes, job control and hanging up come through."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.running.stage import WORK, Stage, eventually, until
from tests.running.stage import stage as stage
from tests.sandbox import TIMEOUT
from tests.terminals import opened


class Seat:
    """A terminal of 24 lines and 80 columns with a shell in it, as a person has one."""

    def __init__(self, stage: Stage) -> None:
        self.master, slave = opened()
        self.size(24, 80)
        self.seen = b""
        self.shell = subprocess.Popen(
            ["sh", "-i"],
            cwd=stage.box.path,
            env={**os.environ, "PS1": "$ ", "ENV": "", "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def size(self, lines: int, columns: int) -> None:
        """Set the size; who runs in the foreground is told."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type."""
        os.write(self.master, text.encode())

    def read(self, within: float = 0.1) -> bytes:
        """Look at what was printed."""
        while select.select([self.master], [], [], within)[0]:
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                break
        return self.seen

    def shows(self, text: str, times: int = 1) -> None:
        """Wait until a text is on the screen."""
        eventually(lambda: self.read(0.05).count(text.encode()) >= times, lambda: self.seen.decode(errors="replace"))


@pytest.fixture
def where(stage: Stage) -> Path:
    """Return the worktree of task 1."""
    return stage.spawn()


@pytest.fixture
def seat(stage: Stage, where: Path) -> Iterator[Seat]:
    """Return a terminal; it is hung up at the end."""
    made = Seat(stage)
    yield made
    with suppress(OSError):  # a test may have hung up
        os.close(made.master)
    try:
        made.shell.wait(timeout=TIMEOUT)
    finally:
        made.shell.kill()
        made.shell.wait()


def test_the_agent_has_a_terminal_of_the_same_size_and_hears_of_a_new_one(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- sh -c 'test -t 0 && test -t 1 && test -t 2 && stty size; ")
    seat.type('trap "stty size; exit 0" WINCH; echo re""ady; while :; do sleep 0.05; done\'\n')
    seat.shows("24 80")
    seat.shows("ready")
    seat.size(31, 101)
    seat.shows("31 101")
    seat.shows("task 1 is WORKING no_commits")
    assert "31 101" in stage.log()


def test_keys_reach_the_agent_one_by_one(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- sh -c 'stty raw -echo; echo re\"\"ady; head -c 3 | od -c'\n")
    seat.shows("ready")
    for key in "a\x03\x04":  # in raw mode Ctrl-C and Ctrl-D are keys like others
        seat.type(key)
        time.sleep(0.05)
    seat.shows("a 003 004")


def test_ctrl_c_interrupts_the_agent_and_the_terminal_is_as_before(stage: Stage, seat: Seat) -> None:
    seat.type(
        'stty -a >before; git agent run 1 -- sh -c \'echo re""ady; sleep 300\'; stty -a >after; echo fin""ished\n'
    )
    seat.shows("ready")
    seat.type("\x03")
    seat.shows("finished")
    assert stage.where() == ("WORKING", "stopped") and stage.task()["reason"] == "was ended by SIGINT"
    assert (stage.box.path / "before").read_text() == (stage.box.path / "after").read_text()
    stage.box.path.joinpath("before").unlink()


def test_ctrl_z_in_a_pipe_stops_the_agent_too(stage: Stage, seat: Seat, where: Path) -> None:
    seat.type(f"git agent run 1 -- sh -c \"echo re''ady; {until('go')}; rm go; {WORK}\" | cat\n")
    seat.shows("ready")
    seat.type("\x1a")
    eventually(lambda: b"topped" in seat.read(0.1), lambda: seat.seen.decode())
    (where / "go").touch()
    time.sleep(1)  # it would be enough to go on and end
    assert stage.where() == ("WORKING", None)
    seat.type("fg\n")
    eventually(lambda: stage.where() == ("IN_REVIEW", None), lambda: seat.read(0.1).decode())


def test_ctrl_z_stops_an_agent_that_leaves_it_to_the_terminal(stage: Stage, seat: Seat, where: Path) -> None:
    seat.type(f"git agent run 1 -- sh -c \"echo re''ady; {until('go')}; echo went on\"\n")
    seat.shows("ready")
    seat.type("\x1a")
    eventually(lambda: b"topped" in seat.read(0.1), lambda: seat.seen.decode())
    (where / "go").touch()
    time.sleep(1)  # it would be enough to go on and end
    assert b"went on\r\n" not in seat.read(0.1) and stage.where() == ("WORKING", None)
    seat.type("fg\n")
    seat.shows("task 1 is WORKING uncommitted")


def test_ctrl_z_stops_the_job_of_a_shell_and_not_the_shell(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- bash --norc -i\n")
    eventually(lambda: seat.read(0.1).count(b"$ ") >= 2, lambda: seat.seen.decode())
    seat.type("sleep 300\n")
    eventually(lambda: "sleep 300" in stage.left().values(), stage.left)
    seat.type("\x1a")
    seat.shows("sleep 300\r\n", 2)  # typed, and named as what was stopped
    seat.type('echo in the sh""ell\n')
    seat.shows("in the shell")
    seat.type("exit 0\n")
    seat.shows("stopped jobs")
    seat.type("exit 0\n")
    seat.shows("task 1 is WORKING stopped")


def test_an_agent_that_stops_itself_gives_the_shell_back(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- sh -c 'echo re\"\"ady; kill -STOP 0; echo went on'\n")
    seat.shows("ready")
    eventually(lambda: b"topped" in seat.read(0.1), lambda: seat.seen.decode())
    seat.type('echo at the pro""mpt\n')
    seat.shows("at the prompt")
    seat.type("fg\n")
    seat.shows("went on", 2)  # typed, and printed
    seat.shows("task 1 is WORKING no_commits")


def test_a_terminal_that_is_closed_ends_the_agent(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- sh -c 'echo re\"\"ady; sleep 300'\n")
    seat.shows("ready")
    os.close(seat.master)
    eventually(lambda: stage.where() == ("WORKING", "stopped"), stage.where)
    assert "SIGHUP" in stage.task()["reason"]
    seat.shell.wait(timeout=10)
    stage.none_left()


@pytest.mark.parametrize("code", [0, 1, 129])
def test_an_interactive_session_that_is_left_is_stopped_however_it_ends(stage: Stage, seat: Seat, code: int) -> None:
    seat.type(f'git agent run 1 -- sh -c \'{WORK}; stty raw -echo; echo re""ady; head -c 1 >key; rm key; ')
    seat.type(f"stty sane; exit {code}'\n")
    seat.shows("ready")
    seat.type("q")
    seat.shows("task 1 is WORKING stopped")
    assert stage.task()["reason"] == f"its session was left (it exited with {code})"
    stage.box.agent("done", "1")  # whether the work is ready, the person says
    assert stage.where() == ("IN_REVIEW", None)


def test_what_an_interactive_session_decided_stays(stage: Stage, seat: Seat) -> None:
    seat.type(f'git agent run 1 -- sh -c \'{WORK}; stty raw -echo; echo re""ady; head -c 1 >key; rm key; ')
    seat.type("git agent done; stty sane'\n")
    seat.shows("ready")
    seat.type("q")
    seat.shows("task 1 is IN_REVIEW")


def test_an_echo_that_is_off_makes_no_session_interactive(stage: Stage, seat: Seat) -> None:
    seat.type(f"git agent run 1 -- sh -c '{WORK}; stty -echo; echo re\"\"ady; read line; stty sane'\n")
    seat.shows("ready")
    seat.type("secret\n")
    seat.shows("task 1 is IN_REVIEW")


def test_ctrl_c_is_told_to_the_shell(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- sh -c 'echo re\"\"ady; sleep 300'; echo code$?\n")
    seat.shows("ready")
    seat.type("\x03")
    seat.shows("code130")


def test_in_the_background_of_a_shell_the_terminal_is_left_alone(stage: Stage, seat: Seat) -> None:
    seat.type("git agent run 1 -- sh -c 'test -t 1 || echo no terminal; read line || echo no input' &\n")
    seat.shows("no terminal", 2)
    seat.shows("no input", 2)
    seat.shows("task 1 is WORKING no_commits")


def test_a_second_supervisor_is_refused_before_the_terminal_is_touched(stage: Stage, seat: Seat) -> None:
    first = stage.run("echo ready; sleep 300")
    seat.type("git agent run 1 -- true; stty -a\n")
    seat.shows(f"task 1 is already run by process {first.pid}")
    seat.shows(" icanon")
    os.kill(first.pid, signal.SIGTERM)
    stage.ended(first)


def test_where_no_terminal_can_be_had_the_agent_runs_without_one(stage: Stage, seat: Seat) -> None:
    hide = "unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /dev/pts && exec \"$@\"' sh"
    if subprocess.run(f"{hide} true", shell=True, capture_output=True).returncode:
        pytest.skip("/dev/pts can't be hidden here: that needs Linux, unshare and user namespaces")
    seat.type(f"{hide} git agent run 1 -- sh -c 'test -t 0 || test -t 1 || echo wit\"\"hout; cat; exit 3'\n")
    seat.shows("the agent runs without a terminal")
    seat.shows("without\r\n")
    seat.shows("task 1 is FAILED (the command exited with 3)")
