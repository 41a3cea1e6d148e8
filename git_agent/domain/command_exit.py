"""How a supervised command ended, in words, and what becomes of its task: pure."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from git_agent.domain.terminal_text import plain

_LINES, _CHARACTERS = 5, 500


@dataclass(frozen=True, slots=True)
class CommandExit:
    """The end of a command. status: exit status, negative for a signal, None when it could not be started; why: then
    the reason; tail: the end of what it printed.
    """

    status: int | None
    tail: str = ""
    why: str = ""

    @property
    def how(self) -> str:
        """Say it in a few words: `exited with 3`, `was ended by SIGTERM`."""
        if self.status is None:
            return self.why
        if self.status >= 0:
            return f"exited with {self.status}"
        return f"was ended by {_named(-self.status)}"

    @property
    def lines(self) -> tuple[str, ...]:
        """List the last lines that are not empty."""
        return tuple(line.strip() for line in plain(self.tail).splitlines() if line.strip())[-_LINES:]

    @property
    def reason(self) -> str:
        """Say it with the last lines, on one line: why the task failed."""
        said = " | ".join(self.lines)
        return (f"{self.how}: {said}" if said else self.how)[:_CHARACTERS].replace("\0", "\ufffd")


def _named(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
