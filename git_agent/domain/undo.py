"""Undo: an operation is what one command did, and `undo` reverts it as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from git_agent.domain.event import Event
from git_agent.domain.rescue import name_directories
from git_agent.record import Record

REMOVED, MERGED, CANCELLED, FIXED = "task.removed", "task.merged", "task.cancelled", "doctor.fixed"
UNDONE = "task.undone"


class Operation(Record):
    """An operation that can be undone.

    events: its events that have not been undone, oldest first
    """

    name: str
    events: tuple[Event, ...]

    @property
    def at(self) -> int:
        """Return when it ended, in ms since the epoch."""
        return self.events[-1].at

    @property
    def kind(self) -> str:
        """Return the kind of its first event: a removal after a merge belongs to the merge."""
        return self.events[0].kind

    @property
    def tasks(self) -> tuple[int, ...]:
        """Return the tasks that it changed."""
        return tuple(dict.fromkeys(e.task for e in self.events if e.task is not None))

    @property
    def touched(self) -> frozenset[int | str]:
        """Return the tasks and the bases that it changed."""
        return frozenset(self.tasks) | {e.data["base"] for e in self.events if e.kind == MERGED}

    @property
    def what(self) -> str:
        """Describe what it did: `merge of task 3 into main`."""
        named = f"{'task' if len(self.tasks) == 1 else 'tasks'} {', '.join(map(str, self.tasks))}"
        first = self.events[0]
        if first.kind == MERGED:
            return f"merge of {named} into {first.data['base']}"
        words = {REMOVED: "removal of worktree and branch", CANCELLED: "cancellation"}
        if first.kind == FIXED:
            many = len(self.events)
            return f"fix by doctor: {first.data['text']}" if many == 1 else f"{many} fixes by doctor"
        return f"{words[first.kind]} of {named}"


def revert_command(data: Mapping[str, Any]) -> str:
    """Return the git command that reverts a merge by new commits.

    data: by, oid and old of the merge's event
    """
    if data["by"] == "merge":
        return f"git revert -m 1 {data['oid'][:12]}"
    if data["by"] == "squash":
        return f"git revert {data['oid'][:12]}"
    return f"git revert {data['old'][:12]}..{data['oid'][:12]}"


_LISTS = ("intended", "unkept", "kept")


class Removed(Record):
    """A removed attempt: its branch and worktree as they were.

    tip: of the branch; None if it never had one
    adopted: the branch was not ours to delete, so it stayed
    worktree: None if there was none, or a person had removed it
    head, head_oid: what was checked out; head is None if detached
    files: a commit with what was not committed
    index: the tree of what was staged, None for nothing
    stages: whether that tree holds the stages of an unmerged index
    intended: paths added with `git add --intent-to-add`
    ignored: the directory with copies of ignored files
    unkept: the first 1000 ignored directories; nothing in them is kept
    kept: refs and directories that hold any of this
    """

    number: int
    branch: str
    tip: str | None
    adopted: bool
    worktree: str | None = None
    head: str | None = None
    head_oid: str | None = None
    files: str | None = None
    index: str | None = None  # type: ignore[assignment]  # it hides tuple.index, which nobody calls
    stages: bool = False
    intended: tuple[str, ...] = ()
    ignored: str | None = None
    unkept: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON values for an event or an intent."""
        return {**self._asdict(), **{name: list(getattr(self, name)) for name in _LISTS}}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Removed:
        """Read it from an event or an intent. Keys that a newer program wrote are ignored."""
        lists = {name: tuple(data.get(name, ())) for name in _LISTS}
        return cls(**{**{k: v for k, v in data.items() if k in cls._fields}, **lists})


def unrecoverable(gone: Removed, exists: Callable[[str], bool]) -> list[str]:
    """Return what can't be restored, in words.

    exists: tells whether a directory exists
    """
    pruned = gone.ignored is not None and not exists(gone.ignored)
    said = ["single ignored files (they were pruned)"] if pruned else []
    return [*([name_directories(gone.unkept)] if gone.unkept else []), *said]


class Hypothetical(Record):
    """The state after some operations would have been undone.

    operations: names of the operations that count as undone
    bases: oids that bases would move to
    heads: oids of branches that would exist again
    tasks: ids of tasks that would be unfinished again
    """

    operations: frozenset[str] = frozenset()
    bases: Mapping[str, str] = {}
    heads: Mapping[str, str] = {}
    tasks: frozenset[int | None] = frozenset()

    def then(self, operation: Operation) -> Hypothetical:
        """Return the state with one more operation undone."""
        bases, heads = dict(self.bases), dict(self.heads)
        for event in operation.events:
            if event.kind == MERGED:
                bases[event.data["base"]] = event.data["old"]
            elif event.kind == REMOVED:
                heads |= {gone["branch"]: gone["tip"] for gone in event.data["gone"] if gone["tip"]}
        again = {event.task for event in operation.events if event.kind in (CANCELLED, MERGED)}
        return Hypothetical(self.operations | {operation.name}, bases, heads, self.tasks | again)


NOT_UNDOABLE: Mapping[str, str] = {
    "store-dangling": "the task or message it belonged to is gone; the event holds the row",
    "dependency-missing": "the task or message it belonged to is gone; the event holds the row",
    "dependency-count": "it follows from what the task waits for",
    "store-wal": "everything in the log is now in the database",
    "store-index": "an index only repeats its rows",
    "store-lock": "the process that held it is gone",
    "store-modes": "nobody needs the wider permissions; chmod sets them again",
    "secret-open": "nobody needs the wider permissions; chmod sets them again",
    "approval-unbound": "git agent approve approves it again",
    "hooks-missing": "git agent deinit removes the hooks",
    "hooks-script": "git agent deinit removes the hooks",
    "hooks-program": "git agent deinit removes the hooks",
    "repository-moved": "its old location no longer exists",
    "worktree-moved": "its old location no longer exists",
    "worktree-unlinked": "without its .git file the worktree is useless",
    "worktree-misled": "what it led to was not this repository",
    "message-nobody": "nobody could read them; the messages are kept",
    "task-lost": "the task was already gone; its events stay",
    "worktree-half": "it contained only what the branch has",
}
"""Fixes that can't be undone, and why there is nothing to undo."""
