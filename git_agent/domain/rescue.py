"""Rescues: commits and files that were kept before they were removed or rewritten."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.errors import usage


@dataclass(frozen=True, slots=True)
class Rescue:
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
