"""Rescues: commits and files that were kept before they were removed or rewritten."""

from __future__ import annotations

from collections.abc import Sequence

from git_agent.errors import usage
from git_agent.record import Record

_NAMED = 8  # fit a line or two


class Rescue(Record):
    """One rescue ref, refs/git-agent/rescue/<task>/<number>.

    kind: what was kept: tip, uncommitted files, and the like
    at: ms since the epoch, None if unknown
    size: number of commits that the base lacks, or of files
    inside: whether the task's base contains it
    """

    task: int
    number: int
    oid: str
    kind: str
    at: int | None
    subject: str
    size: int
    inside: bool

    @property
    def name(self) -> str:
        """Return its name as typed on the command line: `3/1`."""
        return f"{self.task}/{self.number}"


def parse_rescue(text: str, prefix: str) -> tuple[int, int]:
    """Parse `3/1`, or the full name of a rescue ref, and return task and number.

    prefix: of the refs, with its slash at the end. Raises usage error `bad-rescue`.
    """
    task, _, number = text.removeprefix(prefix).partition("/")
    if not (task.isdecimal() and number.isdecimal() and max(len(task), len(number)) <= 18):
        raise usage(
            "bad-rescue",
            f"'{text[:60]}' does not name a rescue",
            "git agent rescue list shows them; name one as in 3/1",
        )
    return int(task), int(number)


def name_directories(directories: Sequence[str]) -> str:
    """Name the first few ignored directories: `data/, build/ and 3 more (ignored directories)`."""
    more = len(directories) - _NAMED
    return f"{', '.join(directories[:_NAMED])}{f' and {more} more' if more > 0 else ''} (ignored directories)"
