"""Recovery: whether to finish or roll back a step whose process died. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import attrgetter

from git_agent.record import Record


class Recovery(StrEnum):
    """Finish the interrupted step, or roll it back."""

    FINISH = "finish"
    ROLL_BACK = "roll back"


class StepProgress(Record):
    """How far an interrupted step got, as git shows it.

    landed: the base contains the commit that a merge was about to land
    removed: a worktree or branch that a removal was about to delete is gone
    withdrawn: the base no longer contains the commit that an undo was about to remove
    """

    landed: bool = False
    removed: bool = False
    withdrawn: bool = False


_NO_RETURN: Mapping[str, Callable[[StepProgress], bool]] = {
    "spawn": lambda observed: False,
    "merge": attrgetter("landed"),
    "remove": attrgetter("removed"),
    "undo": attrgetter("withdrawn"),
}


def choose_recovery(kind: str, observed: StepProgress) -> Recovery:
    """Choose how to recover from an interrupted step.

    A step that passed its point of no return is finished; any other is rolled back. A spawn has no such point: its path
    was never printed, so nobody works there. A merge that landed must be finished. A removal that began can be
    finished, because it kept its commits under the rescue refs. An undo restores everything before it moves a base, and
    what it restores is still kept.

    kind: the intent's kind
    observed: how far the step got
    """
    return Recovery.FINISH if _NO_RETURN[kind](observed) else Recovery.ROLL_BACK
