"""View tasks: combine the store's record with the state of git and the current time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from git_agent.app import App
from git_agent.domain.advice import base_gone
from git_agent.domain.lease import Lease, Liveness, is_stalled, liveness
from git_agent.domain.needs import Circumstances, Need, need
from git_agent.domain.task import State, Task
from git_agent.record import Record


class TaskView(Record):
    """A task and what is related to it.

    task: the record.
    depends_on: the numbers of the tasks that it depends on.
    blocked_by: those of them that are not COMPLETED, with their states.
    paths: the pathspecs that it claims.
    lease: the lease of its worker; None without one.
    liveness: whether its worker is alive.
    stalled: its worker makes no progress.
    beat_age_s, progress_age_s: seconds since the last heartbeat and the last progress; None without a lease.
    ahead, behind: commits relative to the base; None if not requested or not known.
    unread: the number of messages to the task that are not acknowledged.
    amiss: what somebody did by hand to the branch or worktree of a live task.
    dropped: the fork point of its branch, if the base was rewritten and no longer contains that.
    need: what it needs from a person, with the command to type next; None for nothing.
    """

    task: Task
    depends_on: tuple[int, ...]
    blocked_by: Mapping[int, State]
    paths: tuple[str, ...]
    lease: Lease | None
    liveness: Liveness
    stalled: bool
    beat_age_s: float | None
    progress_age_s: float | None
    ahead: int | None
    behind: int | None
    unread: int
    amiss: str | None = None
    dropped: str | None = None
    need: Need | None = None


def view(app: App, shown: Sequence[Task], *, counts: bool, heads: Mapping[str, str] | None = None) -> list[TaskView]:
    """Return the views of tasks, in the same order.

    shown: the tasks.
    counts: also count the commits ahead of and behind the base.
    heads: where the branches are; None to read that from git, for a command that may have moved some.
    """
    ids = [t.id for t in shown]
    app.store.tasks.read_ahead(shown)
    parents, blockers, paths = app.store.tasks.parents(ids), app.store.tasks.blockers(ids), app.store.tasks.paths(ids)
    held, unread, now = app.store.leases.of(ids), app.store.deliveries.unread([str(i) for i in ids]), app.store.now()
    outside = app.forks
    forks = {task.id: outside[task.id] for task in shown if task.live and task.id in outside}
    heads = app.heads if heads is None and counts else heads or {}
    ahead = _ahead(app, shown, heads, {**outside, **_forks_of_ended(app, shown, heads)}) if counts else {}
    dropped = _dropped(app, forks)
    limit = app.config.number("agent.maxAttempts")
    doing = (State.ASSIGNED, State.WORKING, State.FAILED)
    idle = [t.id for t in shown if t.state in doing and t.id not in held]
    over = app.store.sessions.over(idle) if idle else set()
    stuck = _stuck(app, shown)
    beat_s, lease_s, stalled_s = (app.config.seconds(f"agent.{k}") for k in ("beat", "lease", "stalled"))

    def one(task: Task) -> TaskView:
        lease, amiss = held.get(task.id), (task.amiss or _damaged(app, task)) if task.live else None
        working = task.state in (State.ASSIGNED, State.WORKING)
        pair = ahead.get(task.id, (None, None))
        alive = liveness(lease, now, gone=_gone(app, lease), beat_s=beat_s, lease_s=lease_s)
        stalled = working and task.hold is None and is_stalled(lease, now, stalled_s)
        progress_age_s = None if lease is None else max(0.0, (now - lease.progress_at) / 1000)
        supervised = lease is not None and lease.kind == "run"
        check = task.own_check(lambda: app.config.text("agent.check"))
        waits, fork = blockers[task.id], forks.get(task.id)
        ran = task.id in over
        again = app.config.has_agent(task.agent)
        seen = Circumstances(
            amiss, alive, stalled, progress_age_s, supervised, waits, limit, check, fork, ran, again, stuck.get(task.id)
        )
        return TaskView(
            task=task,
            depends_on=tuple(parents[task.id]),
            blocked_by=blockers[task.id],
            paths=tuple(paths[task.id]),
            lease=lease,
            liveness=alive,
            stalled=stalled,
            beat_age_s=None if lease is None else max(0.0, (now - lease.beat_at) / 1000),
            progress_age_s=progress_age_s,
            ahead=pair[0],
            behind=pair[1],
            unread=unread.get(str(task.id), 0),
            amiss=amiss,
            dropped=dropped.get(task.id),
            need=need(task, seen),
        )

    return [one(task) for task in shown]


def _stuck(app: App, shown: Sequence[Task]) -> dict[int, tuple[str, str]]:
    """Return what keeps OPEN tasks from being started, and live ones without a base from being merged."""
    heads = app.sighted_heads
    found = {task.id: base_gone(task) for task in shown if task.live and task.base not in heads}
    if not any(task.state is State.OPEN for task in shown):
        return found
    from git_agent.actions.attempts.startable import find_unstartable

    return found | {task: (b.why, b.command) for task, b in find_unstartable(app, shown, due=True).items()}


def _dropped(app: App, forks: Mapping[int, str]) -> dict[int, str]:
    """Return those fork points that a base lost when it was rewritten, not by the squash of a parent."""
    told = app.store.events.latest("task.base-rewritten", forks) if forks else {}
    return {task: oid for task, oid in forks.items() if task in told and told[task].data.get("oid") == oid}


def _gone(app: App, lease: Lease | None) -> bool:
    """Tell whether the worker's supervisor has ended, which is known only where its process can be checked."""
    return lease is not None and lease.kind == "run" and lease.owner is not None and app.is_gone(lease.owner)


def _forks_of_ended(app: App, shown: Sequence[Task], heads: Mapping[str, str]) -> dict[int, str]:
    """Return the fork points of tasks that are not live where their bases lack them. Runs git once for each base.

    No ref need hold them: reconciling passes finished tasks by, and a reopened one as long as nothing moves.
    """
    found = dict[int, str]()
    kept = [t for t in shown if not t.live and t.base_oid and t.branch in heads and t.base in heads]
    if kept:
        from git_agent.git.merging.fork import not_contained
    for base in {t.base for t in kept}:
        forks = {t.id: t.base_oid or "" for t in kept if t.base == base}
        lacked = not_contained(app.repo, [heads[base]], set(forks.values()))
        found.update({task: oid for task, oid in forks.items() if oid in lacked})
    return found


def _ahead(
    app: App, shown: Sequence[Task], heads: Mapping[str, str], forks: Mapping[int, str]
) -> Mapping[int, tuple[int, int]]:
    pairs = {
        t.id: (heads[t.branch], heads[t.base])
        for t in shown
        if t.branch in heads and t.base in heads and t.branch is not None
    }
    counted = _count(app, list(pairs.values()))
    found = {task: counted[pair] for task, pair in pairs.items() if pair in counted}
    for lost in (t for t in shown if t.id in pairs.keys() - found.keys()):
        from git_agent.actions.reconcile.damage import is_damaged

        is_damaged(app, lost)
    for task in found.keys() & forks.keys():
        from git_agent.git.merging.fork import count_own

        tip, base = pairs[task]
        found[task] = (count_own(app.repo, base, tip, forks[task]), found[task][1])
    return found


def _count(app: App, pairs: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Count for all at once; if that fails, one by one, without those whose branch git can't read."""
    from git_agent.git.run import GitError

    try:
        return app.repo.ahead_behind_many(pairs)
    except GitError:
        if len(pairs) < 2:
            return {}
    return dict(each for pair in pairs for each in _count(app, [pair]).items())


def _damaged(app: App, task: Task) -> str | None:
    return "branch damaged" if task.id in app.damaged else None


def list_tasks(
    app: App, states: Collection[State] = (), *, everything: bool = False, counts: bool = False
) -> list[TaskView]:
    """List tasks by priority and id.

    states: list only tasks in these states; none for all unfinished ones.
    everything: also list finished tasks.
    counts: also count the commits ahead of and behind the base.
    """
    if states or everything:
        return view(app, app.store.tasks.listing(states or None), counts=counts, heads=app.sighted_heads)
    return view(app, app.store.tasks.unfinished(), counts=counts, heads=app.sighted_heads)
