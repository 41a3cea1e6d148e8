"""Merge several tasks: build them on each other, check the whole and land it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from git_agent.actions.merging.land import Landed
from git_agent.actions.merging.rounds import How, merge_rounds
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.queue import Outcome
from git_agent.domain.task import Task
from git_agent.record import Record


class Queued(Record):
    """The outcome of each task, in queue order. landed: by task, what was done for those that landed."""

    tasks: tuple[Task, ...]
    outcomes: tuple[Outcome, ...]
    landed: Mapping[int, Landed]


def merge_queue(
    app: App,
    chosen: Sequence[Task],
    *,
    strategy: str | None = None,
    keep: bool = False,
    checked: bool = True,
    dry_run: bool = False,
    timeout_s: float | None = None,
) -> Queued:
    """Merge tasks into their bases; a task that can't be merged does not hold up the others.

    chosen: the tasks, in the order in which to build
    strategy, keep, checked, dry_run, timeout_s: as for merge
    Raises AgentError: exit 6 when other merges took too long or took over from this one; exit 5 for a superseded
    speaker.
    """
    for task in chosen:
        require_current(app, task)
    ids = list(dict.fromkeys(task.id for task in chosen))
    how = How(strategy or app.config.strategy, keep, checked, dry_run, timeout_s=timeout_s)
    done = merge_rounds(app, ids, how)
    return Queued(tuple(map(app.store.tasks.get, ids)), tuple(done.outcomes[i] for i in ids), done.landed)
