"""What to do about a step whose process died: a pure function from (recorded, observed) to a repair."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Recovery(StrEnum):
    """Finish what was begun, or take it back."""

    FINISH = "finish"
    ROLL_BACK = "roll back"


@dataclass(frozen=True, slots=True)
class StepProgress:
    """What git shows of an interrupted step.

    landed: the base holds the commit that a merge was about to land; removed: a worktree or branch that a removal
    was about to take away is gone; withdrawn: the base holds the commit no more that an undo was about to take from it.
    """

    landed: bool = False
    removed: bool = False
    withdrawn: bool = False


def choose_recovery(kind: str, observed: StepProgress) -> Recovery:
    """Decide about an interrupted step. kind: the intent's.

    A spawn is taken back whatever it reached: nobody was told its path, so nobody works there. A merge that landed
    can't be unlanded, and a removal that began has kept its commits under the rescue refs. An undo brings everything
    back before it moves a base, and what it brings back is still kept.
    """
    if kind == "undo":
        return Recovery.FINISH if observed.withdrawn else Recovery.ROLL_BACK
    if kind == "merge":
        return Recovery.FINISH if observed.landed else Recovery.ROLL_BACK
    if kind == "remove":
        return Recovery.FINISH if observed.removed else Recovery.ROLL_BACK
    return Recovery.ROLL_BACK
