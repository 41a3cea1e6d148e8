"""What a removal took away of one attempt: all that is needed to bring it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Gone:
    """An attempt's branch and worktree as they were.

    tip: of the branch; None when it never had one; adopted: the branch stayed; worktree: None when there was none, or
    a person had removed it; head and head_oid: what was checked out, head None when detached; locked: with our reason;
    files: a commit of what was not committed; ignored: the directory with copies of ignored files; kept: refs and
    directories that hold any of it.
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
    ignored: str | None = None
    kept: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Write it for an event or an intent."""
        return {**asdict(self), "kept": list(self.kept)}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Gone:
        """Read it from an event or an intent; what a later program wrote beside it is passed over."""
        known = {f.name for f in fields(cls)}
        return cls(**{**{k: v for k, v in data.items() if k in known}, "kept": tuple(data.get("kept", ()))})
