"""What hooks noted in the spool: reading the notes that hooks/pre-push and hooks/stray write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class RefUpdate(NamedTuple):
    """One ref of a push: the commit that was pushed, and the ref it was pushed to, as the remote calls it."""

    oid: str
    there: str


@dataclass(frozen=True, slots=True)
class Push:
    """A push that was about to happen. pid, start: of git's process (start: ticks since boot, 0 where unknown)."""

    remote: str
    url: str
    pid: int
    start: int
    updates: tuple[RefUpdate, ...]


@dataclass(frozen=True, slots=True)
class StrayCommit:
    """A commit that a worker made outside of its worktree. head: what HEAD was there; where: the directory."""

    task: int
    epoch: int | None
    head: str
    oid: str
    where: str


def parse_entry(text: str) -> Push | StrayCommit | None:
    """Read one note; None for one that is incomplete or not understood.

    A note is complete when its last line is `end`: it may have been cut short by a kill or a full disk.
    """
    lines = text.split("\n")
    if lines[-2:] != ["end", ""]:
        return None
    words = [line.partition(" ") for line in lines[:-2]]
    fields = {name: value for name, _, value in words}
    try:
        if fields.get("1") == "push":
            return _push(fields, [value for name, _, value in words if name == "ref"])
        return _stray(fields) if fields.get("1") == "stray" else None
    except (KeyError, ValueError):
        return None


def _push(fields: dict[str, str], refs: Iterable[str]) -> Push:
    updates = []
    for line in refs:
        _, oid, there, _ = line.rsplit(" ", 3)  # what is pushed may be any expression, with spaces in it
        updates.append(RefUpdate(oid, there))
    pid, start = _number(fields["pid"], 31), _number(fields["start"] or "0")
    return Push(fields["remote"], fields["url"], pid, start, tuple(updates))


def _stray(fields: dict[str, str]) -> StrayCommit:
    epoch = fields["epoch"]
    epoch_number = _number(epoch) if epoch else None
    return StrayCommit(_number(fields["task"]), epoch_number, fields["head"], fields["oid"], fields["where"])


def _number(text: str, bits: int = 63) -> int:
    """What neither the system nor the store can hold was not written by our hooks."""
    if int(text) >> bits:
        raise ValueError(text)
    return int(text)
