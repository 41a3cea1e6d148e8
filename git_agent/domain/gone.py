"""What a removal took away of one attempt: all that is needed to bring it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

_LISTS = ("intended", "unkept", "kept")
_NAMED = 8  # fit a line or two


@dataclass(frozen=True, slots=True)
class Gone:
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
    def of_data(cls, data: Mapping[str, Any]) -> Gone:
        """Read it from an event or an intent; what a later program wrote beside it is passed over."""
        known = {f.name for f in fields(cls)}
        lists = {name: tuple(data.get(name, ())) for name in _LISTS}
        return cls(**{**{k: v for k, v in data.items() if k in known}, **lists})


def missing(gone: Gone, stands: Callable[[str], bool]) -> list[str]:
    """Say what can't be brought back. stands: tells whether a directory is there."""
    pruned = gone.ignored is not None and not stands(gone.ignored)
    said = ["single ignored files, which were pruned"] if pruned else []
    return [*([named(gone.unkept)] if gone.unkept else []), *said]


def named(directories: Sequence[str]) -> str:
    """Name the first of some ignored directories: `data/, build/ and 3 more (ignored directories)`."""
    more = len(directories) - _NAMED
    return f"{', '.join(directories[:_NAMED])}{f' and {more} more' if more > 0 else ''} (ignored directories)"
