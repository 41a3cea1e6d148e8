"""Spool entries: parse the notes that hooks/pre-push and hooks/stray write."""

from __future__ import annotations

import re
from collections.abc import Iterable

from git_agent.record import Record

_OID = r"[0-9a-f]{40}|[0-9a-f]{64}"


class RefUpdate(Record):
    """One ref of a push.

    oid: the pushed commit; there: the name of the ref on the remote
    """

    oid: str
    there: str


class Push(Record):
    """A push that git was about to make.

    pid: of git's process; start: its start time in clock ticks since boot, 0 if unknown
    space: the pid namespace in which the pid counts, "" if unknown
    """

    remote: str
    url: str
    pid: int
    start: int
    updates: tuple[RefUpdate, ...]
    space: str = ""


class StrayCommit(Record):
    """A commit that a worker made outside its worktree.

    epoch: the worker's; None, if its environment had none, belongs to no attempt
    head: what HEAD was there; where: the directory
    """

    task: int
    epoch: int | None
    head: str
    oid: str
    where: str


def parse_entry(text: str) -> Push | StrayCommit | None:
    """Parse one note; return None if it is incomplete or unknown.

    A complete note ends with the line `end`: a kill or a full disk may cut a note short.
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
        _, oid, there, _ = line.rsplit(" ", 3)  # the source may be any revision expression, with spaces in it
        updates.append(RefUpdate(oid, there))
    pid, start = _number(fields["pid"], 31), _number(fields["start"] or "0")
    return Push(fields["remote"], fields["url"], pid, start, tuple(updates), fields.get("space", ""))


def _stray(fields: dict[str, str]) -> StrayCommit:
    epoch = fields["epoch"]
    epoch_number = _number(epoch) if epoch else None
    if not re.fullmatch(_OID, fields["oid"]):
        raise ValueError(fields["oid"])
    return StrayCommit(_number(fields["task"]), epoch_number, fields["head"], fields["oid"], fields["where"])


def _number(text: str, bits: int = 63) -> int:
    """Parse a number. Our hooks write none that is too large for the system or the store."""
    if int(text) >> bits:
        raise ValueError(text)
    return int(text)
