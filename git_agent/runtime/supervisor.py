"""Supervise one agent: start it, copy and log its output, forward signals, obey the beat thread, collect its exit."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from git_agent.domain.command_exit import CommandExit
from git_agent.proc import child, terminal
from git_agent.proc.child import Child
from git_agent.proc.logfile import Logfile
from git_agent.record import Record
from git_agent.runtime.channel import Cancelled, Died, Fault, FromBeat, Heard, Lost, Mail, Say, Stopped, ToBeat
from git_agent.runtime.heartbeat import Heartbeat
from git_agent.runtime.pumps import Pump, Tail
from git_agent.runtime.signals import ASKING, Signals
from git_agent.runtime.termination import GRACE_S, Termination

TICK_S = 5.0
"""Seconds between two ticks to the beat thread, which gives up on a silent main thread after a minute."""
_PROGRESS_S = 1.0
_DRAIN_S = 1.0
_REVIVALS = 3
_KEYS = (signal.SIGINT, signal.SIGQUIT)  # what Ctrl-C and Ctrl-\ send in a terminal that is not raw
_BY_SIGNAL = 128  # a shell adds this to the number of the signal that ended its command
_LAST_LOOKS, _LAST_LOOK_S = 4, 0.01


class Streams(Record):
    """The standard streams of an agent.

    stdin: the agent's standard input
    stdout, stderr: our descriptors for its output, None to discard
    seated: whether the agent gets its own terminal, connected to ours at descriptors 0 and 1
    """

    stdin: int
    stdout: int | None
    stderr: int | None
    seated: bool


class Order(Record):
    """What to run, and how.

    words: the program and its arguments
    cwd: the directory it runs in
    env: its whole environment
    streams: its standard streams
    log: the log of its output
    lead: records its process before it runs anything
    beats: creates its beat thread
    clear: ends the processes that it leaves behind
    say: shows a line to the person
    """

    words: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    streams: Streams
    log: Logfile
    lead: Callable[[int], None]
    beats: Callable[[ToBeat, FromBeat], Heartbeat]
    clear: Callable[[], None]
    say: Callable[[str], None]


def supervise(order: Order, signals: Signals) -> CommandExit:
    """Run an agent until it ends, and leave no process of it running.

    Raises AgentError when its start can't be recorded.
    """
    with ExitStack() as stack:
        started, master, pumps = _start(order, stack)
        try:
            order.lead(started.pid)
        except BaseException:
            started.abandon()
            raise
        try:
            started.release()
        except OSError as error:
            started.reap()
            return CommandExit(None, why=f"cannot start {order.words[0]}: {error.strerror}")
        seat = stack.enter_context(terminal.raw_mode(0)) if master is not None else None
        watch = _Watch(order, signals, started, pumps, master, seat)
        stack.callback(watch.close)
        return watch.to_the_end()


def _start(order: Order, stack: ExitStack) -> tuple[Child, int | None, list[Pump]]:
    streams = order.streams
    if streams.seated:
        master, slave = terminal.open_pty(0)
        stack.callback(os.close, master)
        with os.fdopen(slave, "rb", buffering=0):
            started = _fork(order, slave if streams.stdin == 0 else streams.stdin, slave, slave, slave)
        return started, master, [Pump(master, 1), Pump(0, master)]
    (out, out_there), (err, err_there) = os.pipe(), os.pipe()
    stack.callback(os.close, out)
    stack.callback(os.close, err)
    try:
        started = _fork(order, streams.stdin, out_there, err_there, None)
    finally:
        os.close(out_there)
        os.close(err_there)
    return started, None, [Pump(out, streams.stdout), Pump(err, streams.stderr)]


def _fork(order: Order, stdin: int, stdout: int, stderr: int, control: int | None) -> Child:
    return child.start_gated(
        order.words, cwd=order.cwd, env=order.env, stdin=stdin, stdout=stdout, stderr=stderr, terminal=control
    )


class _Watch:
    """The supervision of an agent from its start to its end."""

    def __init__(
        self,
        order: Order,
        signals: Signals,
        started: Child,
        pumps: list[Pump],
        master: int | None,
        seat: terminal.RawMode | None,
    ) -> None:
        self._order, self._signals, self._child = order, signals, started
        self._pumps, self._master, self._seat = pumps, master, seat
        self._printed = [p for p in pumps if p.source != 0]
        for pump in self._printed:
            pump.heard = self._heard
        for pump in pumps:
            pump.passes = self._typed if pump.source == 0 else None
        self._suspends = self._raw = False
        self._asked = 0  # the first signal that asked us to end
        self._tail, self._termination = Tail(), Termination(started)
        self._to, self._come = ToBeat(), FromBeat()
        self._moved_at, self._revivals = 0.0, 0
        self._beats = self._beat()

    def _beat(self) -> Heartbeat:
        thread = self._order.beats(self._to, self._come)
        thread.start()
        return thread

    def close(self) -> None:
        """End the beat thread."""
        self._to.say(Say.STOP)
        self._beats.join()
        self._come.close()

    def to_the_end(self) -> CommandExit:
        """Loop until the agent has ended, then read the remaining output."""
        status = None
        while status is None:
            self._to.say(Say.TICK)
            for fd in self._carry(self._termination.left_s(TICK_S), (self._signals.fd, self._come.fd)):
                self._attend(fd)
            self._termination.go_on()
            if self._suspends:
                self._suspends = False
                self._suspend(os.getpgrp())
            # Looked at each time that keys or output pass, because a program restores the mode when it ends.
            self._raw = self._raw or (self._master is not None and terminal.is_raw(self._master))
            status = self._look()
        self._order.clear()
        self._child.reap()
        self._drain()
        return CommandExit(status, self._tail.text, by=self._ended_by(status), interactive=self._raw)

    def _ended_by(self, status: int) -> int:
        """Return the signal that ended the agent through us or, as Ctrl-C does, through its terminal; 0 for none.

        A shutdown signals us and the agent at once, and the agent may be faster.
        """
        for number in self._signals.take():
            self._note_asked(number)
        by_key = next((n for n in _KEYS if status in (-n, _BY_SIGNAL + n)), 0) if self._master is not None else 0
        return self._asked or by_key

    def _note_asked(self, number: int) -> None:
        if number in ASKING:
            self._asked = self._asked or number

    def _carry(self, timeout_s: float, others: Sequence[int] = ()) -> list[int]:
        """Wait, copy bytes, and return which of the other descriptors are readable."""
        reads = {p.source: p for p in self._pumps if p.reads}
        writes = {p.sink: p for p in self._pumps if p.writes and p.sink is not None}
        readable, writable, _ = select.select([*others, *reads], list(writes), [], timeout_s)
        for fd in writable:
            writes[fd].write()
        for fd in readable:
            if fd in reads:
                reads[fd].read()
        return [fd for fd in readable if fd in others]

    def _attend(self, fd: int) -> None:
        if fd == self._come.fd:
            for said in self._come.hear():
                self._heed(said)
            return
        for number in self._signals.take():
            self._signalled(number)

    def _signalled(self, number: int) -> None:
        self._note_asked(number)
        if number == signal.SIGWINCH:
            if self._master is not None:
                terminal.resize(self._master, 0)
        elif number == signal.SIGTSTP:
            self._suspend(os.getpid())
        elif number not in (signal.SIGCHLD, signal.SIGCONT):
            self._termination.forward(number)

    def _typed(self, keys: bytes) -> bytes:
        """Handle Ctrl-Z if the agent leaves it to its terminal, which cannot stop it: its session has no shell."""
        assert self._master is not None
        key = terminal.suspend_key(self._master, self._child.pid) if not self._suspends else b""
        if not key or key not in keys:
            return keys
        self._suspends = True
        return keys.replace(key, b"")

    def _suspend(self, whom: int) -> None:
        """Stop the agent and ourselves, and continue together: the shell's job control does not reach its session.

        whom: our pid, or our process group, which Ctrl-Z stops. The shell waits for the whole group, including git,
        which started us.
        """
        self._child.signal(signal.SIGSTOP)
        if self._seat is not None:
            self._seat.leave()
        (os.killpg if whom == os.getpgrp() else os.kill)(whom, signal.SIGSTOP)
        if self._seat is not None and self._master is not None:
            self._seat.enter()
            terminal.resize(self._master, 0)
        self._child.signal(signal.SIGCONT)

    def _heed(self, said: Heard) -> None:
        match said:
            case Lost(how, by, kill):
                self._order.say(f"this attempt was superseded ({how} by {by})")
                if kill:
                    self._termination.ask()
            case Cancelled(by, kill):
                when = "now" if kill else f"in {GRACE_S:.0f} s"
                self._order.say(f"the task was cancelled by {by}; its agent is asked to end {when}")
                self._termination.ask(0.0 if kill else GRACE_S)
            case Stopped():
                self._termination.ask()
            case Mail(number):
                self._order.say(f"new messages ({number})")
            case Fault(message):
                self._order.say(f"heartbeat failed: {message}" if message else "heartbeats work again")
            case Died(message):
                self._revive(message)

    def _revive(self, message: str) -> None:
        self._revivals += 1
        again = self._revivals <= _REVIVALS
        more = "it is started again" if again else "this worker will look dead"
        self._order.say(f"the heartbeat thread ended: {message}; {more}")
        if again:
            self._beats = self._beat()

    def _look(self) -> int | None:
        """Return the agent's exit status, None while it lives. In a terminal, we stop when the agent stops itself."""
        status = self._child.poll()
        if status == child.STOPPED:
            if self._seat is not None:
                for _ in range(_LAST_LOOKS):  # show what it printed before it stopped ahead of the prompt
                    self._carry(_LAST_LOOK_S)
                self._suspend(os.getpgrp())
            return None
        return status

    def _drain(self) -> None:
        """Read the remaining output, for at most 1 s: an unknown process may hold it open, or our reader may hang."""
        end = time.monotonic() + _DRAIN_S
        self._pumps = self._printed
        while any(p.open or p.writes for p in self._pumps) and time.monotonic() < end:
            self._carry(0.05)

    def _heard(self, data: bytes) -> None:
        self._order.log.write(data)
        self._tail.add(data)
        now = time.monotonic()
        if now - self._moved_at >= _PROGRESS_S:
            self._moved_at = now
            self._to.say(Say.PROGRESS)
