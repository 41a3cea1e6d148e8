"""Figures: how long tasks stay in each state, how many end, how many fail."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from git_agent.app import App
from git_agent.domain.task import State
from git_agent.store import events, tasks


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a period. median_s: seconds a stay in a state lasted; counts: tasks now; the rest: of the period."""

    since_ms: int
    counts: Mapping[State, int]
    median_s: Mapping[State, float]
    completed: int
    failed: int
    sent_back: int
    attempts: int


def stats(app: App, *, days: float = 30.0) -> Stats:
    """Compute the figures of the last days, from the events of that time alone."""
    since = app.store.now() - int(days * 86_400_000)
    entered: dict[int, tuple[State, int]] = {}
    stays: dict[State, list[float]] = defaultdict(list)
    kinds: dict[str, int] = defaultdict(int)
    for event in events.changes_since(since):
        kinds[event.kind] += 1
        if event.task is None or event.target is None:
            continue
        if event.task in entered:
            state, at = entered[event.task]
            stays[state].append((event.at - at) / 1000)
        entered[event.task] = (event.target, event.at)
    return Stats(
        since,
        tasks.count_by_state(),
        {state: statistics.median(times) for state, times in stays.items()},
        completed=kinds["task.merged"],
        failed=kinds["task.failed"] + kinds["task.exhausted"],
        sent_back=kinds["task.changes-requested"] + kinds["task.conflicted"] + kinds["task.check-failed"],
        attempts=sum(kinds[f"task.{k}"] for k in ("spawned", "claimed", "reassigned")),
    )
