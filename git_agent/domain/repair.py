"""What to do about a step whose process died: a pure function from (recorded, observed) to a repair."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Repair(StrEnum):
    """Finish what was begun, or take it back."""

    FINISH = "finish"
    TAKE_BACK = "take back"


@dataclass(frozen=True, slots=True)
class Observed:
    """What git shows of an interrupted step.

    landed: the base holds the commit that a merge was about to land; removed: a worktree or branch that a removal
    was about to take away is gone; withdrawn: the base holds the commit no more that an undo was about to take from it.
    """

    landed: bool = False
    removed: bool = False
    withdrawn: bool = False


def repair(kind: str, observed: Observed) -> Repair:
    """Decide about an interrupted step. kind: the intent's.

    A spawn is taken back whatever it reached: nobody was told its path, so nobody works there. A merge that landed
    can't be unlanded, and a removal that began has kept its commits under the rescue refs. An undo brings everything
    back before it moves a base, and what it brings back is still kept.
    """
    if kind == "undo":
        return Repair.FINISH if observed.withdrawn else Repair.TAKE_BACK
    if kind == "merge":
        return Repair.FINISH if observed.landed else Repair.TAKE_BACK
    if kind == "remove":
        return Repair.FINISH if observed.removed else Repair.TAKE_BACK
    return Repair.TAKE_BACK
