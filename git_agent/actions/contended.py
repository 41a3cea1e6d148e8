"""Which OPEN tasks claim paths that a live task claims, so that they should not be worked on now (agent.pathClaims)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from git_agent.actions.overlaps import Overlap, overlaps
from git_agent.app import App
from git_agent.domain.claim import Claim
from git_agent.domain.pathspec import may_meet
from git_agent.domain.readiness import Blocked
from git_agent.domain.task import LIVE, State, Task
from git_agent.errors import AgentError, refused
from git_agent.store import intents, path_claims

_Key = tuple[int | None, tuple[str, ...], bool]


class _Standing(NamedTuple):
    claim: Claim
    taken: bool

    @property
    def key(self) -> _Key:
        return self.claim.task, self.claim.paths, self.taken


@dataclass(frozen=True, slots=True)
class Contended:
    """What was found. blocked: why tasks have to wait, where agent.pathClaims is refuse; notes: what is to be said when
    one is taken, where it is warn; both by task. seen: the claims that were compared, None where none keeps a task
    waiting.
    """

    blocked: Mapping[int, Blocked]
    notes: Mapping[int, tuple[str, ...]]
    seen: frozenset[_Key] | None = None

    def error(self, task: Task) -> AgentError | None:
        """Make the error of a task that has to wait."""
        if (found := self.blocked.get(task.id)) is None:
            return None
        hint = f"git agent edit {task.id} {' '.join(f'--after {other}' for other in found.by)}, to wait for it"
        return refused("paths-claimed", f"{task.label} is not ready: {found.why}", hint)

    def allows(self, task: Task) -> bool:
        """Tell whether a task may still be taken: inside the transaction and without git, for the claims that came."""
        if self.seen is None:
            return True
        if task.id in self.blocked:
            return False
        now = _standing()
        own = next((each for each in now if each.claim.task == task.id), None)
        taken = [each.claim for each in now if each.taken and each.key not in self.seen]
        free = own is None or not any(may_meet(own.claim.paths, other.paths) for other in taken)
        return free and (own is None or own.key in self.seen)


def contended(app: App, queue: Sequence[Task]) -> Contended:
    """Compare the claims of OPEN tasks with those of the live ones; git is asked, so not in a transaction.

    Costs one query where no task claims anything.
    """
    claims = _standing()
    if not claims or (mode := app.config.path_claims) == "off":
        return Contended({}, {})
    own = {each.claim.task: each.claim for each in claims}
    taken = [each.claim for each in claims if each.taken]
    found = {t.id: overlaps(app, own[t.id], among=taken) for t in queue if t.id in own}
    found = {task: each for task, each in found.items() if each}
    if mode == "refuse":
        blocked = {task: Blocked(task, _why(each), _others(each)) for task, each in found.items()}
        return Contended(blocked, {}, frozenset(each.key for each in claims))
    return Contended({}, {task: tuple(f"paths overlap with {_line(o)}" for o in each) for task, each in found.items()})


def _standing() -> list[_Standing]:
    """An OPEN task whose worktree is being made is as good as live."""
    reserved = {intent.task for intent in intents.pending()}
    found = path_claims.of_states(LIVE | {State.OPEN})
    return [_Standing(c, c.state in LIVE or c.task in reserved) for c in found]


def _why(found: Sequence[Overlap]) -> str:
    return "its paths overlap with those of " + ", ".join(map(_line, found))


def _others(found: Sequence[Overlap]) -> tuple[int, ...]:
    return tuple(o.other.task or 0 for o in found)


def _line(found: Overlap) -> str:
    return f"task {found.other.task} ({found.other.state}): {found.shown}"
