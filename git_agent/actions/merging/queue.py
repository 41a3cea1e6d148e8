"""Merge several tasks: built on each other, checked as a whole and landed at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from git_agent.actions.merging.land import Landed
from git_agent.actions.merging.rounds import How, merge_rounds
from git_agent.actions.recovery.journal import under_lock
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.queue import Outcome
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.proc import processes
from git_agent.store import locks


@dataclass(frozen=True, slots=True)
class Queued:
    """What became of each task, in the order of the queue. landed: by task, what was done for those that landed."""

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
) -> Queued:
    """Merge tasks into their bases; what can't be merged keeps no other waiting.

    chosen: in the order in which to build; strategy, keep, checked, dry_run: as for merge. Raises AgentError: exit 6
    when another queue is at work, or took over from this one; exit 5 for a superseded speaker.
    """
    for task in chosen:
        require_current(app, task)
    ids = list(dict.fromkeys(task.id for task in chosen))
    how = How(strategy or app.config.strategy, keep, checked, dry_run)
    with _alone(app, dry_run) as fences:
        done = merge_rounds(app, ids, how, fences)
    return Queued(tuple(map(app.store.tasks.get, ids)), tuple(done.outcomes[i] for i in ids), done.landed)


@contextmanager
def _alone(app: App, dry_run: bool) -> Iterator[Mapping[str, int]]:
    """One queue at a time; a dry run is none."""
    if dry_run:
        yield {}
        return
    with under_lock(app, locks.QUEUE) as lock:
        if lock is None:
            holder = app.store.locks.holder(locks.QUEUE)
            who = f": process {holder.pid} on {holder.host}" if holder else ""
            says, hint = f"another merge queue is at work{who}", "try again when it has ended"
            if holder and processes.is_stopped(holder):
                says, hint = f"{says}, which is stopped", f"kill -CONT {holder.pid}"
            raise AgentError("queue-busy", says, hint, exit=Exit.BUSY)
        yield {locks.QUEUE: lock}
