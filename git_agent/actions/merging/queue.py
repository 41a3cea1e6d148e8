"""Merge several tasks: built on each other, checked as a whole and landed at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from git_agent.actions.merging.batch import chain, left_out
from git_agent.actions.merging.check import CheckRun, Verdict, find_culprit, run_check
from git_agent.actions.merging.hold import hold_check, hold_conflict
from git_agent.actions.merging.land import Landed, Link, land
from git_agent.actions.reconcile.reconcile import sync
from git_agent.actions.recovery.journal import under_lock, under_way
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.gates import base_gone_error, check_hint, conflict_hint
from git_agent.domain.queue import MergeStatus, Outcome, check_commands, name_tasks
from git_agent.domain.task import Task
from git_agent.errors import AgentError, Exit
from git_agent.git import refs
from git_agent.git.merging.land import require_landable
from git_agent.git.merging.rebase import Conflict
from git_agent.git.repo import HEADS
from git_agent.git.worktrees.preview import Preview
from git_agent.proc import processes
from git_agent.store import locks

_TRIES = 4  # the base may move while the queue is checked; each try starts from where it is then
_KEEP_S = 60.0  # how often the queue says that it goes on; its lock is anybody's after five minutes of silence
_CHANGED = "it changed while it was checked: "


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

    chosen: in the order in which to build; strategy, keep, checked, dry_run: as for merge. Each base moves by one
    compare-and-swap to what was checked, and so does it again without the task that breaks it, which is held. Raises
    AgentError: exit 6 when another queue is at work, or took over from this one; exit 5 for a superseded speaker.
    """
    for task in chosen:
        require_current(app, task)
    ids = list(dict.fromkeys(task.id for task in chosen))
    with _alone(app, dry_run) as lock, under_way(app), Preview(app.repo) as preview:
        queue = _Queue(app, preview, strategy or app.config.strategy, keep, checked, None if dry_run else lock)
        try:
            queue.run(ids)
        except AgentError as error:
            landed = [f"landed: {name_tasks(list(queue.landed))}"] if queue.landed else []
            error.details = (*error.details, *landed)
            raise
    return Queued(tuple(map(app.store.tasks.get, ids)), tuple(queue.outcomes[i] for i in ids), queue.landed)


@contextmanager
def _alone(app: App, dry_run: bool) -> Iterator[int]:
    """One queue at a time; a dry run is none."""
    if dry_run:
        yield 0
        return
    with under_lock(app, locks.QUEUE) as lock:
        if lock is None:
            holder = app.store.locks.holder(locks.QUEUE)
            who = f": process {holder.pid} on {holder.host}" if holder else ""
            says, hint = f"another merge queue is at work{who}", "try again when it has ended"
            if holder and processes.is_stopped(holder):
                says, hint = f"{says}, which is stopped", f"kill -CONT {holder.pid}"
            raise AgentError("queue-busy", says, hint, exit=Exit.BUSY)
        yield lock


class _Queue:
    """One run. lock: the fence of its lock, None for a dry run, whose bases are where it would have moved them."""

    def __init__(self, app: App, preview: Preview, strategy: str, keep: bool, checked: bool, lock: int | None) -> None:
        self.app, self.preview, self.strategy, self.keep, self.checked = app, preview, strategy, keep, checked
        self.lock, self.kept_at = lock, time.monotonic()
        self.outcomes: dict[int, Outcome] = {}
        self.waits: dict[int, Outcome] = {}
        self.landed: dict[int, Landed] = {}
        self.tried: set[int] = set()
        self.bases: dict[str, str] = {}
        self.moves = Counter[str]()

    def run(self, waiting: list[int]) -> None:
        """Go round the bases until everybody has an outcome, or a round changes nothing."""
        going = True
        while waiting and going:
            for line in sync(self.app).lines:
                self.app.notice(line)
            groups: dict[str, list[Task]] = {}
            for task in map(self.app.store.tasks.get, waiting):
                groups.setdefault(task.base, []).append(task)
            before = len(self.outcomes), sum(self.moves.values())
            for base, group in groups.items():
                self._round(base, group)
            going = before != (len(self.outcomes), sum(self.moves.values()))
            waiting = [task for task in waiting if task not in self.outcomes]
        self.outcomes.update((task, self.waits[task]) for task in waiting)

    def _round(self, base: str, group: Sequence[Task]) -> None:
        try:
            with under_way(self.app):
                self._attempt(base, group)
        except refs.RefMoved as error:
            self.moves[base] += 1
            if self.moves[base] < _TRIES:
                self.app.progress(f"'{error.ref.removeprefix(HEADS)}' moved meanwhile: all is done again")
                return
            why = f"'{base}' moved {_TRIES} times while it was checked"
            self._leave(group, AgentError("base-moves", why, "try again", exit=Exit.BUSY))

    def _attempt(self, base: str, group: Sequence[Task]) -> None:
        self._go_on()
        old = self.bases.get(base) or self.app.repo.branch_oid(base)
        if old is None:
            self._leave(group, base_gone_error(group[0]))
            return
        made = chain(
            self.app, group, old, self.strategy, [i for i, o in self.outcomes.items() if o.status is MergeStatus.MERGED]
        )
        for outcome in made.settled:
            changed = outcome.status is MergeStatus.LEFT_OUT and outcome.task in self.tried
            self._settle(replace(outcome, why=f"{_CHANGED}{outcome.why}") if changed else outcome)
        for task, found in made.conflicts:
            self._conflict(task, found)
        self.waits.update((outcome.task, outcome) for outcome in made.waits)
        if made.links and self._may_land(base, old, group, made.links[-1].made.oid):
            self._judge(base, old, group, made.links)

    def _may_land(self, base: str, old: str, group: Sequence[Task], new: str) -> bool:
        """Nobody wants to hear after an hour of checks that a rebase is under way in the base's checkout."""
        try:
            if self.lock is not None:
                require_landable(self.app.repo, base, new, old)
        except AgentError as error:
            if error.exit is not Exit.REFUSED:
                raise
            self._leave(group, error)
            return False
        return True

    def _judge(self, base: str, old: str, group: Sequence[Task], links: Sequence[Link]) -> None:
        ids = [link.task.id for link in links]
        self.app.progress(f"queue: {name_tasks(ids)} into {base}")
        self.tried.update(ids)
        verdict = find_culprit(self.app, links, lambda count, title: self._check(base, old, links[:count], title))
        if verdict.base_fails:
            self._broken(base, group, verdict)
            return
        if verdict.good and not self._land(base, group, links[: verdict.good], verdict.log):
            return
        if verdict.of is not None:
            self._hold(links[verdict.good].task, verdict.of, ids[: verdict.good])

    def _check(self, base: str, old: str, links: Sequence[Link], title: str) -> CheckRun:
        default = self.app.config.text("agent.check")
        commands = check_commands([link.task for link in links], default) if links else (default,)
        if not (self.checked and commands):
            return CheckRun()
        path = self.preview.at(links[-1].made.oid if links else old)
        ids = [link.task.id for link in links]
        ran = run_check(self.app, path, commands, ids, title=title, tick=self._go_on)
        found = self.app.repo.branch_oid(base)
        if self.lock is not None and found != old:
            raise refs.RefMoved(HEADS + base, old, found)
        return ran

    def _go_on(self) -> None:
        now = time.monotonic()
        if self.lock is not None and now - self.kept_at > _KEEP_S:
            try:
                with self.app.store.transaction():
                    self.app.store.locks.keep(locks.QUEUE, self.lock)
            except AgentError as error:
                if error.exit is not Exit.BUSY or error.code == "lock-lost":
                    raise
                return  # a busy store: there are minutes left, and the next look tries again
            self.kept_at = now

    def _land(self, base: str, group: Sequence[Task], links: Sequence[Link], log: str | None) -> bool:
        """Land some links; False when they did not, and have to be looked at again."""
        if self.lock is None:
            self.bases[base] = links[-1].made.oid
            for link in links:
                self._settle(Outcome(link.task.id, MergeStatus.MERGED, log=log))
            return True
        try:
            landing = land(self.app, links, keep=self.keep, lock=self.lock, log=log)
        except refs.RefMoved:
            raise
        except AgentError as error:
            if error.exit is not Exit.REFUSED:
                raise
            self._leave(group, error)
            return False
        for each in landing.landed:
            self.landed[each.task.id] = each
            self._settle(Outcome(each.task.id, MergeStatus.MERGED, log=log))
        for task, why in landing.changed:
            self._settle(left_out(task, why, _CHANGED))
        return bool(landing.landed)

    def _hold(self, task: Task, failed: CheckRun, under: Sequence[int]) -> None:
        why = failed.why + (f" (on top of {name_tasks(under)})" if under else "")
        try:
            if self.lock is not None:
                why = hold_check(self.app, task, failed, under, self.lock)
        except AgentError as error:
            self._not_held(task, error)
            return
        helps = check_hint(task)
        self._settle(Outcome(task.id, MergeStatus.CHECK_FAILED, why, helps, failed.tail, failed.log, Exit.REFUSED))

    def _conflict(self, task: Task, found: Conflict) -> None:
        try:
            if self.lock is not None:
                hold_conflict(self.app, task, found, self.lock)
        except AgentError as error:
            self._not_held(task, error)
            return
        why = f"it conflicts with '{task.base}'"
        self._settle(Outcome(task.id, MergeStatus.CONFLICT, why, conflict_hint(task), found.paths, exit=Exit.CONFLICT))

    def _not_held(self, task: Task, error: AgentError) -> None:
        if error.exit not in (Exit.REFUSED, Exit.BUSY) or error.code == "lock-lost":
            raise error
        self._settle(left_out(task, error, _CHANGED))

    def _broken(self, base: str, group: Sequence[Task], verdict: Verdict) -> None:
        assert verdict.of is not None
        why = f"the check fails on '{base}' itself: {verdict.of.why}"
        hint = f"mend '{base}' first, or git agent merge --no-check {' '.join(str(task.id) for task in group)}"
        self._leave(group, AgentError("base-check-failed", why, hint, exit=Exit.REFUSED, details=verdict.of.said))

    def _leave(self, group: Sequence[Task], error: AgentError) -> None:
        """Nothing more of a base can be merged now."""
        for task in group:
            if task.id not in self.outcomes:
                self._settle(left_out(task, error))

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.task] = outcome
        held = outcome.status in (MergeStatus.CONFLICT, MergeStatus.CHECK_FAILED)
        word = "held" if held else outcome.status.replace("_", " ")
        self.app.progress(f"task {outcome.task}: " + ": ".join(filter(None, (word, outcome.why))))
