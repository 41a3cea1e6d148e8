"""Merge tasks in rounds: build them on each other, check the whole and land it at once. One task is a batch of one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext

from git_agent.actions.merging.batch import build_batch, left_out
from git_agent.actions.merging.check import CheckRun, Verdict, find_culprit, run_check
from git_agent.actions.merging.conditions import Conditions, read_conditions
from git_agent.actions.merging.hold import hold_check, hold_conflict
from git_agent.actions.merging.land import Entry, Landed, land
from git_agent.actions.merging.turns import HeldLocks
from git_agent.actions.reconcile.reconcile import sync
from git_agent.actions.recovery.journal import rollback_on_error
from git_agent.app import App
from git_agent.domain.advice import after_check, after_conflict
from git_agent.domain.gates import base_gone_error
from git_agent.domain.queue import MergeStatus, Outcome, check_commands, name_tasks
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, Exit
from git_agent.git import refs
from git_agent.git.merging.land import require_landable
from git_agent.git.merging.rebase import Conflict
from git_agent.git.repo import HEADS
from git_agent.git.worktrees.preview import Preview
from git_agent.record import Record
from git_agent.store import locks

_TRIES, _MERGES = 4, 100  # a base may be moved during a check so often by others; how many of our merges are searched
_CHANGED = "it changed while it was checked: "
_ALREADY = "it is COMPLETED already"


class How(Record):
    """How to merge.

    strategy: merge, squash, rebase or ff; keep: whether worktrees and branches stay; checked: run the check commands;
    dry_run: compute and check only; waits: whether a task waits for its dependencies; timeout_s: how long to wait for
    other merges, in seconds, None forever.
    """

    strategy: str
    keep: bool = False
    checked: bool = True
    dry_run: bool = False
    waits: bool = True
    timeout_s: float | None = None


class Results(Record):
    """The outcome of each task. landed: by task, what was done for those that landed."""

    outcomes: Mapping[int, Outcome]
    landed: Mapping[int, Landed]


def merge_rounds(app: App, ids: Sequence[int], how: How) -> Results:
    """Merge tasks into their bases; a task that can't be merged does not hold up the others.

    ids: the tasks, in the order in which to build.
    Each base moves to the checked result by one compare-and-swap. A task that breaks the check is held, and the base
    moves without it. Raises AgentError: exit 6 when another command took over a lock or held one for too long; any
    error that can't be blamed on a task.
    """
    with rollback_on_error(app), ExitStack() as stack:
        rounds = _Rounds(app, stack, how)
        try:
            rounds.run(list(ids))
        except AgentError as error:
            landed = [f"landed: {name_tasks(list(rounds.landed))}"] if rounds.landed else []
            error.details = (*error.details, *landed)
            raise
    return Results(rounds.outcomes, rounds.landed)


class _Rounds:
    """One run.

    bases: where a dry run would have moved the bases; moves: how often each base moved; by_others: not by our merges.
    """

    def __init__(self, app: App, stack: ExitStack, how: How) -> None:
        self.app, self.stack, self.how, self.preview = app, stack, how, Preview(app.repo)
        until = None if how.timeout_s is None else time.monotonic() + how.timeout_s
        self.several, self.held = False, HeldLocks(app, stack, until, {}, {})
        self.outcomes: dict[int, Outcome] = {}
        self.waits: dict[int, Outcome] = {}
        self.landed: dict[int, Landed] = {}
        self.tried: set[int] = set()
        self.bases: dict[str, str] = {}
        self.moves, self.by_others = Counter[str](), Counter[str]()

    def run(self, waiting: list[int]) -> None:
        """Process the bases until every task has an outcome, or a round changes nothing."""
        self.several, going = len(waiting) > 1, True
        while waiting and going:
            if self.several or self.app.sighted is None:  # every command has just synced, which is enough for one task
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
        asks = read_conditions(self.app, base, self.how.strategy, self.preview, self.held.keep)
        try:
            if asks.hook is not None:  # hooks may take as long as checks, and disturb each other
                self._take_place()
            # Without either, build and land under one lock, so that no other merge can interfere.
            with nullcontext() if self._commands(group) or asks.hook is not None else self._merge_lock():
                self._attempt(base, group, asks)
        except refs.RefMoved as error:
            self.moves[base] += 1
            self.by_others[base] += not self._is_ours(base, error.found)
            self.app.sighted = None
            if self.by_others[base] < _TRIES and not self.held.is_late():
                self.app.progress(f"'{error.ref.removeprefix(HEADS)}' moved in the meantime: starting over")
                return
            times = "once" if self.moves[base] == 1 else f"{self.moves[base]} times"
            why = f"'{base}' moved {times} while it was checked"
            again = f"git agent merge {' '.join(str(task.id) for task in group)}"
            self._leave(group, AgentError("base-moves", why, again, exit=Exit.BUSY))

    def _is_ours(self, base: str, oid: str | None) -> bool:
        """Tell whether another merge of ours moved a base, even if it has not recorded that yet.

        However many there are, each one brings its own task home, so this one needs no limit to wait for the last.
        """
        landing = (each.data.get("landing") for each in self.app.store.intents.pending() if each.kind == "merge")
        return oid in landing or oid in (each.merged_oid for each in self.app.store.tasks.merged_lately(base, _MERGES))

    def _commands(self, group: Sequence[Task]) -> tuple[str, ...]:
        return check_commands(group, self.app.config.text("agent.check")) if self.how.checked else ()

    def _merge_lock(self) -> AbstractContextManager[None]:
        """Return what holds the merge lock; a dry run needs no lock."""
        return nullcontext() if self.how.dry_run else self.held.merge_lock()

    def _take_place(self) -> bool:
        taken = self.held.take_place()
        if taken:
            self.stack.enter_context(self.preview)
        return taken

    def _require_base(self, base: str, old: str) -> None:
        found = self.app.repo.branch_oid(base)
        if not self.how.dry_run and found != old:
            raise refs.RefMoved(HEADS + base, old, found)

    def _attempt(self, base: str, group: Sequence[Task], asks: Conditions) -> None:
        self.held.keep()
        group = [self.app.store.tasks.get(task.id) for task in group]  # waiting for the merge lock may have taken long
        heads = self.app.heads  # read again: others may have merged before this process had the merge lock
        old = self.bases.get(base) or heads.get(base)
        if old is None:
            self._leave(group, base_gone_error(group[0]))
            return
        merged = [i for i, o in self.outcomes.items() if o.status is MergeStatus.MERGED]
        made = build_batch(self.app, group, heads, old, self.how.strategy, merged, asks, waits=self.how.waits)
        for outcome in made.settled:
            changed = outcome.status is MergeStatus.LEFT_OUT and outcome.task in self.tried
            self._settle(outcome._replace(why=f"{_CHANGED}{outcome.why}") if changed else outcome)
        for task, found in made.conflicts:
            self._conflict(task, found)
        self.waits.update((outcome.task, outcome) for outcome in made.waits)
        if made.links and self._may_land(base, old, group, made.links[-1].made.oid):
            self._judge(base, old, group, made.links)

    def _may_land(self, base: str, old: str, group: Sequence[Task], new: str) -> bool:
        """Detect a checkout of the base that forbids landing (such as a rebase) before an hour of checks, not after."""
        try:
            # Under the merge lock, the batch lands at once, and landing asks the same.
            if base not in self.bases and locks.QUEUE not in self.held.fences:
                with self._merge_lock():  # another merge may be moving the checkout
                    require_landable(self.app.repo, base, new, old)
        except AgentError as error:
            if error.exit is not Exit.REFUSED:
                raise
            self._leave(group, error)
            return False
        return True

    def _judge(self, base: str, old: str, group: Sequence[Task], links: Sequence[Entry]) -> None:
        ids = [link.task.id for link in links]
        if self._commands([link.task for link in links]) and self._take_place():
            self._require_base(base, old)
        self._tell(f"merging {name_tasks(ids)} into {base}")
        self.tried.update(ids)
        verdict = find_culprit(self.app, links, lambda count, title: self._check(base, old, links[:count], title))
        if verdict.base_fails:
            self._broken(base, group, verdict)
            return
        if verdict.good and not self._land(base, group, links[: verdict.good], verdict.log):
            return
        if verdict.of is not None:
            self._hold(links[verdict.good].task, verdict.of, ids[: verdict.good])

    def _check(self, base: str, old: str, links: Sequence[Entry], title: str) -> CheckRun:
        commands = self._commands([link.task for link in links]) if links else (self.app.config.text("agent.check"),)
        if not commands:
            return CheckRun()
        path = self.preview.at(links[-1].made.oid if links else old)
        ids = [link.task.id for link in links]
        ran = run_check(self.app, path, commands, ids, title=title, tick=self.held.keep)
        self._require_base(base, old)
        return ran

    def _land(self, base: str, group: Sequence[Task], links: Sequence[Entry], log: str | None) -> bool:
        """Land some entries; return False when they did not land and must be examined again."""
        if self.how.dry_run:
            self.bases[base] = links[-1].made.oid
            for link in links:
                self._settle(Outcome(link.task.id, MergeStatus.MERGED, log=log))
            return True
        try:
            with self._merge_lock():
                landing = land(self.app, links, keep=self.how.keep, fences=self.held.fences, log=log)
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
            done = self.app.store.tasks.get(task.id).state is State.COMPLETED
            self._settle(Outcome(task.id, MergeStatus.MERGED, _ALREADY) if done else left_out(task, why, _CHANGED))
        return bool(landing.landed)

    def _hold(self, task: Task, failed: CheckRun, under: Sequence[int]) -> None:
        why = failed.why + (f" (on top of {name_tasks(under)})" if under else "")
        try:
            if not self.how.dry_run:
                why = hold_check(self.app, task, failed, under, self.held.fences)
        except AgentError as error:
            self._not_held(task, error)
            return
        hint = after_check(task)
        self._settle(Outcome(task.id, MergeStatus.CHECK_FAILED, why, hint, failed.tail, failed.log, Exit.REFUSED))

    def _conflict(self, task: Task, found: Conflict) -> None:
        try:
            if not self.how.dry_run:
                hold_conflict(self.app, task, found, self.held.fences)
        except AgentError as error:
            self._not_held(task, error)
            return
        why, hint = f"it conflicts with '{task.base}'", after_conflict(task, self.app.forks.get(task.id))
        self._settle(Outcome(task.id, MergeStatus.CONFLICT, why, hint, found.paths, exit=Exit.CONFLICT))

    def _not_held(self, task: Task, error: AgentError) -> None:
        if error.exit not in (Exit.REFUSED, Exit.BUSY) or error.code == locks.LOST:
            raise error
        self._settle(left_out(task, error, _CHANGED))

    def _broken(self, base: str, group: Sequence[Task], verdict: Verdict) -> None:
        assert verdict.of is not None
        why = f"the check fails on '{base}' itself: {verdict.of.why}"
        hint = f"fix '{base}' first, or git agent merge --no-check {' '.join(str(task.id) for task in group)}"
        self._leave(group, AgentError("base-check-failed", why, hint, exit=Exit.REFUSED, details=verdict.of.said))

    def _leave(self, group: Sequence[Task], error: AgentError) -> None:
        """Report that nothing more can be merged into a base now."""
        for task in group:
            if task.id not in self.outcomes:
                self._settle(left_out(task, error))

    def _settle(self, outcome: Outcome) -> None:
        self.outcomes[outcome.task] = outcome
        held = outcome.status in (MergeStatus.CONFLICT, MergeStatus.CHECK_FAILED)
        word = "held" if held else outcome.status.replace("_", " ")
        self._tell(f"task {outcome.task}: " + ": ".join(filter(None, (word, outcome.why))))

    def _tell(self, line: str) -> None:
        """Show the progress of merging several tasks; for a single task the result itself is enough."""
        if self.several:
            self.app.progress(line)
