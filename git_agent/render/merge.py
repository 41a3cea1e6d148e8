"""Render merges of one task and of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from git_agent.domain.queue import MergeStatus, name_tasks
from git_agent.render import lines
from git_agent.render.text import visible

if TYPE_CHECKING:
    from git_agent.actions.merging.land import Landed
    from git_agent.actions.merging.merge import Merged
    from git_agent.actions.merging.queue import Queued
    from git_agent.domain.queue import Outcome
    from git_agent.domain.task import Task

_LAST = 10  # lines of a check's output; the log has the whole output
_WORDS = {MergeStatus.CONFLICT: "is held", MergeStatus.CHECK_FAILED: "is held", MergeStatus.LEFT_OUT: "is left out"}


def merge_lines(done: Merged, dry_run: bool) -> list[str]:
    """Return lines that say what became of one task."""
    if done.landed is not None:
        return _landed(done.landed)
    clean = dry_run and done.task.live
    return [_would(done.task) if clean else f"{done.task.label} is {done.task.state} already"]


def queue_lines(done: Queued, dry_run: bool) -> list[str]:
    """Return lines for what landed, in the order of the queue, and a summary unless everything landed."""
    if not done.outcomes:
        return ["nothing is approved"]
    by_id = {task.id: task for task in done.tasks}
    said = [
        line for o in done.outcomes if o.status is MergeStatus.MERGED for line in _merged(by_id[o.task], done, dry_run)
    ]
    return said if all(o.status is MergeStatus.MERGED for o in done.outcomes) else [*said, _summary(done, dry_run)]


def problem_lines(done: Queued, dry_run: bool) -> list[str]:
    """Return lines that say why tasks did not land, an error for each."""
    return [line for o in done.outcomes if o.status is not MergeStatus.MERGED for line in _problem(o, dry_run)]


def _merged(task: Task, done: Queued, dry_run: bool) -> list[str]:
    if task.id in done.landed:
        return _landed(done.landed[task.id])
    return [_would(task) if dry_run and task.live else f"{task.label} is {task.state} already"]


def _problem(outcome: Outcome, dry_run: bool) -> list[str]:
    words = _WORDS[outcome.status].replace("is held", "would be held") if dry_run else _WORDS[outcome.status]
    details = [*outcome.details[-_LAST:], *([f"whole output: {outcome.log}"] if outcome.log else [])]
    said = [f"error: task {outcome.task} {words}: {visible(outcome.why or '')}", *(f"  {visible(x)}" for x in details)]
    return [*said, *([f"hint: {visible(outcome.hint)}"] if outcome.hint else [])]


def _would(task: Task) -> str:
    return f"{task.label} merges cleanly into {task.base}"


def _landed(landed: Landed) -> list[str]:
    task = landed.task
    where = f" (and in {landed.checkout})" if landed.checkout else ""
    first = f"{task.label} is {task.state}: {(task.merged_oid or '')[:12]} on {task.base}{where}"
    return [first, *(lines.removal_lines(landed.retired) if landed.retired else [])]


def _summary(done: Queued, dry_run: bool) -> str:
    statuses = {status: [o.task for o in done.outcomes if o.status is status] for status in MergeStatus}
    held = [o.task for o in done.outcomes if o.status in (MergeStatus.CONFLICT, MergeStatus.CHECK_FAILED)]
    words = ("would land", "would be held") if dry_run else ("landed", "held")
    parts = [(words[0], statuses[MergeStatus.MERGED]), (words[1], held), ("left out", statuses[MergeStatus.LEFT_OUT])]
    return "; ".join(f"{word}: {name_tasks(ids)}" for word, ids in parts if ids)
