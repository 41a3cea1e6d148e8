"""How a supervised command ended, in words. Pure."""

from __future__ import annotations

import signal

from git_agent.domain.terminal_text import plain
from git_agent.record import Record

_LINES, _CHARACTERS = 5, 500


class CommandExit(Record):
    """How a command ended.

    status: exit status, negative for a signal, None if the command could not be started
    tail: the end of its output
    why: the reason why it could not be started
    by: the signal with which a person or the system ended it through its supervisor or its terminal, 0 for none
    interactive: it used its terminal as full-screen programs do, so its end says nothing about the work
    """

    status: int | None
    tail: str = ""
    why: str = ""
    by: int = 0
    interactive: bool = False

    @property
    def how(self) -> str:
        """Describe the end in a few words: `exited with 3`, `was ended by SIGTERM`."""
        if self.status is None:
            return self.why
        if self.status >= 0:
            return f"exited with {self.status}"
        return f"was ended by {_named(-self.status)}"

    @property
    def stopped(self) -> str | None:
        """Say that somebody else ended it, or that its session was left; None if the command ended by itself."""
        if self.status is None:
            return None
        if self.by:
            return f"was ended by {_named(self.by)}"
        return f"its session was left (it {self.how})" if self.interactive else None

    @property
    def interrupted(self) -> bool:
        """Return whether Ctrl-C, or SIGINT to its supervisor, ended it."""
        return self.by == signal.SIGINT

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the last lines of the output that are not empty."""
        return tuple(line.strip() for line in plain(self.tail).splitlines() if line.strip())[-_LINES:]

    @property
    def reason(self) -> str:
        """Describe the end and the last lines of output on one line, as the reason why the task failed."""
        said = " | ".join(self.lines)
        return (f"{self.how}: {said}" if said else self.how)[:_CHARACTERS].replace("\0", "\ufffd")


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
