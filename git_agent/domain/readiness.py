"""Can this task be claimed, and if not, why: for `ready --why`, `claim` and `spawn`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from git_agent.domain.task import State, Task


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why an OPEN task can't be claimed. by: the tasks it waits for; used_up: its attempts are."""

    task: int
    why: str
    by: tuple[int, ...] = ()
    used_up: bool = False


def blocked(
    task: Task, parents: Sequence[int], states: Mapping[int, State], now: int, max_attempts: int
) -> Blocked | None:
    """Say what keeps an OPEN task from being claimed, or None.

    parents: the tasks it waits for that are not COMPLETED; states: theirs; now: ms since the epoch.
    """
    if parents:
        return Blocked(task.id, _waiting(parents, states), tuple(parents))
    if task.not_before is not None and task.not_before > now:
        return Blocked(task.id, f"waits {(task.not_before - now) // 1000 + 1} s before its next attempt")
    if task.attempt >= max_attempts:
        return Blocked(task.id, f"all {max_attempts} attempts are used up (agent.maxAttempts)", used_up=True)
    return None


def _waiting(parents: Sequence[int], states: Mapping[int, State]) -> str:
    return "waits for " + ", ".join(f"task {p} ({_prospect(p, states[p])})" for p in parents)


def _prospect(task: int, state: State) -> str:
    ends = {State.FAILED: f"git agent retry {task}", State.CANCELLED: f"git agent reopen {task}"}
    return f"{state}: never completes unless {ends[state]}" if state in ends else str(state)
