"""Something that was kept before it was removed or rewritten."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.errors import usage


@dataclass(frozen=True, slots=True)
class Rescue:
    """One rescue ref, refs/git-agent/rescue/<task>/<number>.

    kind: what was kept: tip, uncommitted files, and the like; at: when, ms since the epoch, None when that is not known
    any more; size: commits that the base lacks, or files; inside: the task's base has it.
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
        """Name it as it is typed: `3/1`."""
        return f"{self.task}/{self.number}"


def parse_rescue(text: str, prefix: str) -> tuple[int, int]:
    """Return task and number of `3/1`, or of the full name of a rescue ref; prefix: of those.

    Raises usage error `bad-rescue`.
    """
    task, _, number = text.removeprefix(prefix).partition("/")
    if not (task.isdecimal() and number.isdecimal() and max(len(task), len(number)) <= 18):
        raise usage("bad-rescue", f"'{text[:60]}' names nothing that was kept", "git agent rescue list; then as in 3/1")
    return int(task), int(number)
