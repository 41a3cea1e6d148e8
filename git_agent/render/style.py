"""The screen that lines go to, and colour: used only on a terminal, and only if NO_COLOR is not set."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain.task import State
from git_agent.record import Record

COLOURS: Mapping[State, str] = {
    State.OPEN: "37",
    State.ASSIGNED: "36",
    State.WORKING: "34",
    State.IN_REVIEW: "33",
    State.APPROVED: "32",
    State.COMPLETED: "2;32",
    State.FAILED: "31",
    State.CANCELLED: "2",
}


HELD = "35"
"""The colour of a task that is on hold: its work does not go on."""


class Screen(Record):
    """Where lines go.

    width: columns of the terminal, None for a pipe
    colour: whether to use escape sequences
    now: ms since the epoch
    """

    width: int | None = None
    colour: bool = False
    now: int = 0


def paint(text: str, code: str, on: bool) -> str:
    """Colour a text with an SGR code. on: False returns the text unchanged."""
    return f"\x1b[{code}m{text}\x1b[0m" if on and text and code else text


def wants_colour(terminal: bool, env: Mapping[str, str], setting: str = "auto") -> bool:
    """Return whether to use colour: on a capable terminal without NO_COLOR (https://no-color.org).

    setting: color.agent or color.ui as git knows them; always and never decide by themselves
    """
    if setting in ("always", "never", "false", "no", "off", "0"):
        return setting == "always"
    return terminal and not env.get("NO_COLOR") and env.get("TERM", "dumb") != "dumb"
