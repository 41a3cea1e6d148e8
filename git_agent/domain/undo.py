"""What one command did and `undo` reverts as one: the events that share an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from git_agent.domain.event import Event

REMOVED, MERGED, CANCELLED, FIXED = "task.removed", "task.merged", "task.cancelled", "doctor.fixed"
UNDONE = "task.undone"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be undone. events: those that were not undone yet, the oldest first."""

    name: str
    events: tuple[Event, ...]

    @property
    def at(self) -> int:
        """Say when it ended: ms since the epoch."""
        return self.events[-1].at

    @property
    def kind(self) -> str:
        """Name the kind of its first event: a merge's removal belongs to the merge."""
        return self.events[0].kind

    @property
    def tasks(self) -> tuple[int, ...]:
        """List the tasks that it changed."""
        return tuple(dict.fromkeys(e.task for e in self.events if e.task is not None))

    @property
    def touched(self) -> frozenset[int | str]:
        """List the tasks, and the bases, that it changed."""
        return frozenset(self.tasks) | {e.data["base"] for e in self.events if e.kind == MERGED}

    @property
    def what(self) -> str:
        """Say what it did: `merge of task 3 into main`."""
        named = f"{'task' if len(self.tasks) == 1 else 'tasks'} {', '.join(map(str, self.tasks))}"
        first = self.events[0]
        if first.kind == MERGED:
            return f"merge of {named} into {first.data['base']}"
        words = {REMOVED: "removal of worktree and branch", CANCELLED: "cancellation"}
        if first.kind == FIXED:
            many = len(self.events)
            return f"fix of doctor: {first.data['text']}" if many == 1 else f"{many} fixes of doctor"
        return f"{words[first.kind]} of {named}"


def revert_command(data: Mapping[str, Any]) -> str:
    """Write the command that takes a merge back by new commits. data: of its event: by, oid and old."""
    if data["by"] == "merge":
        return f"git revert -m 1 {data['oid'][:12]}"
    if data["by"] == "squash":
        return f"git revert {data['oid'][:12]}"
    return f"git revert {data['old'][:12]}..{data['oid'][:12]}"


_LISTS = ("intended", "unkept", "kept")
_NAMED = 8  # fit a line or two


@dataclass(frozen=True, slots=True)
class Removed:
    """An attempt's branch and worktree as they were.

    tip: of the branch; None when it never had one; adopted: the branch stayed; worktree: None when there was none, or
    a person had removed it; head and head_oid: what was checked out, head None when detached; locked: with our reason;
    files: a commit of what was not committed; index: the tree of what was staged, None when that was nothing; stages:
    it holds the stages of an unmerged index; intended: paths that were staged without content; ignored: the directory
    with copies of ignored files; unkept: ignored directories, of which nothing is kept, the first 1000; kept: refs
    and directories that hold any of it.
    """

    number: int
    branch: str
    tip: str | None
    adopted: bool
    worktree: str | None = None
    head: str | None = None
    head_oid: str | None = None
    locked: bool = False
    files: str | None = None
    index: str | None = None
    stages: bool = False
    intended: tuple[str, ...] = ()
    ignored: str | None = None
    unkept: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Write it for an event or an intent."""
        return {**asdict(self), **{name: list(getattr(self, name)) for name in _LISTS}}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Removed:
        """Read it from an event or an intent; what a later program wrote beside it is passed over."""
        known = {f.name for f in fields(cls)}
        lists = {name: tuple(data.get(name, ())) for name in _LISTS}
        return cls(**{**{k: v for k, v in data.items() if k in known}, **lists})


def unrecoverable(gone: Removed, stands: Callable[[str], bool]) -> list[str]:
    """Say what can't be brought back. stands: tells whether a directory is there."""
    pruned = gone.ignored is not None and not stands(gone.ignored)
    said = ["single ignored files, which were pruned"] if pruned else []
    return [*([name_directories(gone.unkept)] if gone.unkept else []), *said]


def name_directories(directories: Sequence[str]) -> str:
    """Name the first of some ignored directories: `data/, build/ and 3 more (ignored directories)`."""
    more = len(directories) - _NAMED
    return f"{', '.join(directories[:_NAMED])}{f' and {more} more' if more > 0 else ''} (ignored directories)"


@dataclass(frozen=True, slots=True)
class Hypothetical:
    """operations: names of those that count as undone; bases: oids of the bases that would have moved; heads: oids of
    branches that would be there again; tasks: ids of those that would be unfinished again.
    """

    operations: frozenset[str] = frozenset()
    bases: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    tasks: frozenset[int | None] = frozenset()

    def then(self, operation: Operation) -> Hypothetical:
        """Count one more operation as undone."""
        bases, heads = dict(self.bases), dict(self.heads)
        for event in operation.events:
            if event.kind == MERGED:
                bases[event.data["base"]] = event.data["old"]
            elif event.kind == REMOVED:
                heads |= {gone["branch"]: gone["tip"] for gone in event.data["gone"] if gone["tip"]}
        again = {event.task for event in operation.events if event.kind in (CANCELLED, MERGED)}
        return Hypothetical(self.operations | {operation.name}, bases, heads, self.tasks | again)
