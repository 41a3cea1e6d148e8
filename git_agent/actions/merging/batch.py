"""Build a batch: the merges of several tasks, each on top of the previous one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from git_agent.actions.merging.candidate import Candidate, candidate
from git_agent.actions.merging.conditions import Conditions
from git_agent.actions.merging.forecast import foresee
from git_agent.actions.merging.land import Entry
from git_agent.app import App
from git_agent.domain.gates import landing_error
from git_agent.domain.queue import MergeStatus, Outcome, name_tasks, sequence
from git_agent.domain.task import State, Step, Task, event_kind
from git_agent.errors import AgentError, Exit
from git_agent.git.merging.landed import landed
from git_agent.git.merging.rebase import Conflict
from git_agent.record import Record


class Batch(Record):
    """The tasks of one base, sorted by what can be done with them.

    links: the entries that can be merged, in order
    conflicts: the tasks that conflict with the base itself
    settled: the outcomes of tasks that are merged already or can't be merged
    waits: why the other tasks are left out of this round
    """

    links: list[Entry]
    conflicts: list[tuple[Task, Conflict]]
    settled: list[Outcome]
    waits: list[Outcome]


def build_batch(
    app: App,
    queue: Sequence[Task],
    heads: Mapping[str, str],
    base_oid: str,
    strategy: str,
    done: Collection[int],
    asks: Conditions,
    *,
    waits: bool = True,
) -> Batch:
    """Build a batch of the tasks of one base, in their order.

    queue: the tasks.
    heads: the tip of each branch, as last seen.
    base_oid: the commit to build on.
    strategy: merge, squash, rebase or ff.
    done: tasks that count as COMPLETED (in a dry run).
    asks: what the user's hooks and configuration ask of each merge.
    waits: whether tasks wait for their dependencies.
    A task waits for a later round when a dependency is neither COMPLETED nor earlier in the batch, or when the task
    conflicts with the batch but not with the base.
    """
    made = Batch([], [], [], [])
    blockers = app.store.tasks.blockers([task.id for task in queue]) if waits else {}
    for task in queue:
        if task.state is State.COMPLETED:
            made.settled.append(Outcome(task.id, MergeStatus.MERGED, "it is COMPLETED already"))
            continue
        tip = heads.get(task.branch or "")
        error = not_landable(app, task, tip)
        missing = [p for p in blockers.get(task.id, ()) if p not in {*done, *(link.task.id for link in made.links)}]
        if error is not None:
            made.settled.append(left_out(task, error))
        elif missing:
            made.waits.append(_waiting(task, missing))
        else:
            _add(app, made, task, strategy, base_oid, tip or "", asks)
    return made


def _waiting(task: Task, missing: Sequence[int]) -> Outcome:
    why = f"it waits for {name_tasks(missing)}"
    hint = f"git agent show {missing[0]}, or git agent merge {task.id} to merge it anyway"
    return Outcome(task.id, MergeStatus.LEFT_OUT, why, hint, exit=Exit.REFUSED, code="dependency-waits")


def _add(app: App, made: Batch, task: Task, strategy: str, base_oid: str, tip: str, asks: Conditions) -> None:
    end = made.links[-1].made.oid if made.links else base_oid
    try:
        tried = candidate(app, task, strategy, end, tip, asks)
        alone = landed(app.repo, base_oid, tip, task.base_oid) if isinstance(tried, Conflict) and made.links else tried
    except AgentError as error:
        if error.exit is not Exit.REFUSED:
            raise
        made.settled.append(left_out(task, error))
        return
    if isinstance(tried, Candidate):
        made.links.append(Entry(task, tried))
    elif isinstance(alone, Conflict):
        made.conflicts.append((task, alone))
    else:
        why = f"it conflicts with {name_tasks([link.task.id for link in made.links])} of the same queue"
        made.waits.append(Outcome(task.id, MergeStatus.LEFT_OUT, why, details=tried.paths, exit=Exit.CONFLICT))


def left_out(task: Task, error: AgentError, before: str = "") -> Outcome:
    """Make the outcome of a task from the error that keeps it from being merged.

    before: text that precedes the reason.
    """
    said = error.message.removeprefix(f"cannot merge {task.label}: ")
    return Outcome(
        task.id,
        MergeStatus.LEFT_OUT,
        before + said,
        error.hint,
        error.details,
        exit=error.exit,
        code=error.code,
        error=error,
    )


def not_landable(app: App, task: Task, tip: str | None) -> AgentError | None:
    """Return the error that keeps a task from being merged, or None if it may be merged.

    tip: the branch's current oid, None if the branch is gone.
    """
    last = app.store.events.last_change(task.id)
    moved = last is not None and last.kind == event_kind(Step.MOVED)
    return landing_error(task, tip, last.data.get("reviewed_oid") if last is not None and moved else None)


def merge_order(app: App) -> list[Task]:
    """List the APPROVED tasks in the order in which to merge them."""
    left = app.store.tasks.listing([State.APPROVED])
    clashes = [frozenset((one, other)) for one, other in foresee(app, left).pairs if other is not None]
    return sequence(left, app.store.tasks.parents([t.id for t in left]), clashes)
