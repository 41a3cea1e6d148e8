"""What must become of a task, by the table of moves and by what stands in the way: a model with no git and no store."""

from __future__ import annotations

from dataclasses import dataclass, field

from git_agent.domain.task import LIVE, Hold, State, Step, after, done_already

DONE, REFUSED, CONFLICT, SUPERSEDED = 0, 3, 4, 5
UNMERGED = {*LIVE, State.OPEN, State.FAILED}


@dataclass
class Model:
    """A task as it must be. tree: clean, dirty or gone; branch: there, gone; tip: counts its commits.

    worked: it has commits over its base; own: since its attempt began; rival: its base got the same file otherwise;
    inside: all of its work is in the base; settled, pushed: the tips at which a review or hold ended, and that arrived
    at the remote; former: superseded worktrees that still stand; amiss: somebody took something away by hand.
    """

    state: State = State.OPEN
    hold: Hold | None = None
    attempt: int = 0
    tree: str = "none"
    branch: str = "none"
    tip: int = 0
    worked: bool = False
    own: bool = False
    rival: bool = False
    inside: bool = False
    settled: int = -1
    pushed: int = -1
    former: list[str] = field(default_factory=list)
    amiss: bool = False

    @property
    def live(self) -> bool:
        """Tell whether somebody has it."""
        return self.state in LIVE

    @property
    def clash(self) -> bool:
        """Tell whether it can't be merged."""
        return self.worked and self.rival

    def step(self, step: Step) -> int:
        """Take a step of the table; return the exit code of the verb."""
        made = after(self.state, self.hold, step)
        if made is None:
            return DONE if done_already(self.state, self.hold, step) else REFUSED
        reviewed = self.state in (State.IN_REVIEW, State.APPROVED)
        resumed = self.hold is not None and made.hold is None and self.tip == self.pushed
        if made.target is State.WORKING and (reviewed or resumed) and self.branch == "there":
            self.settled = self.tip
        self.state, self.hold = made.target, made.hold
        return DONE

    def begin(self, worktree: str) -> None:
        """Let the next attempt begin, from the last commit if its branch is there."""
        kept = self.branch == "there"
        self.attempt += 1
        self.tip += 0 if kept else 1
        self.worked, self.rival, self.inside = self.worked and kept, self.rival and kept, self.inside and kept
        self.tree, self.branch, self.own = "clean", "there", False
        self.former.append(worktree)

    def committed(self) -> None:
        """A commit, and the look at git after it."""
        self.tip, self.worked, self.own, self.tree, self.inside = self.tip + 1, True, True, "clean", False
        if self.state is State.ASSIGNED:
            self.step(Step.START)
        elif self.state is State.APPROVED:
            self.step(Step.MOVED)

    def arrived(self) -> None:
        """A push, and the look at git after it."""
        waits = self.hold is Hold.NEEDS_INPUT or self.tip in (self.settled, self.pushed)
        self.pushed = self.tip
        if self.state in (State.ASSIGNED, State.WORKING) and self.own and not waits:
            self.step(Step.PUSHED)

    def hand_in(self) -> int:
        """`done`: a clean worktree on its branch, with work over the base."""
        begun = self.state in (State.ASSIGNED, State.WORKING)
        whole = (self.tree, self.branch) == ("clean", "there")
        if begun and (self.hold is Hold.NEEDS_INPUT or not whole or not self.worked):
            return REFUSED
        if self.state is State.ASSIGNED:
            self.step(Step.START)
        return self.step(Step.DONE)

    def approve(self) -> int:
        """`approve`: the branch must be there to be approved at its tip."""
        if self.state in (State.IN_REVIEW, State.APPROVED) and self.branch != "there":
            return REFUSED
        return self.step(Step.APPROVE)

    def merge(self) -> int:
        """`merge`: at the reviewed tip, into a base that it does not clash with; worktree and branch go."""
        if self.state is State.COMPLETED:
            return DONE
        if self.state is not State.APPROVED or self.branch != "there":
            return REFUSED
        if self.clash:
            self.step(Step.CONFLICT)
            return CONFLICT
        self.worked, self.rival, self.inside = False, False, True
        return self.step(Step.MERGE)

    def landed(self, how: str) -> None:
        """Somebody merged it by hand, and git was looked at: after a squash its commits are not the base's."""
        self.state, self.hold, self.inside = State.COMPLETED, None, True
        self.worked = self.rival = how == "squash"
