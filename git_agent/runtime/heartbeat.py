"""The beat thread of a supervisor: it renews the lease on its own connection, and reports decisions about the task.

It is a thread of its own so that a busy store never delays the agent's output. It renews the lease only while the child
lives and the main thread ticks.
"""

from __future__ import annotations

import random
import threading
import time

from git_agent.domain.lease import RUN_BEATS
from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State, Step, event_kind
from git_agent.errors import AgentError
from git_agent.git.worktrees import activity
from git_agent.proc import processes
from git_agent.record import Record
from git_agent.runtime.channel import Cancelled, Died, Fault, FromBeat, Lost, Mail, Say, Stopped, ToBeat
from git_agent.store.leases import Pulse
from git_agent.store.store import Store

LOOK_S = 60.0
"""Seconds without a sign of work after which the files of the worktree are searched for one."""
LOOKED_AT = 2000
"""The maximum number of files and directories that this search examines: 10 ms of work."""
SILENCE_S = 60.0
"""Seconds without a tick after which the main thread counts as hung and the lease is no longer renewed."""
_AGAIN_S = 0.5


class Worker(Record):
    """The worker whose lease is renewed.

    admin: the worktree's git directory
    child: the agent's process
    beat_s: seconds between two beats
    """

    task: int
    epoch: int
    session: int
    worktree: str
    admin: str
    child: ProcessId
    beat_s: float


class Heartbeat(threading.Thread):
    """A thread that beats until it receives Say.STOP.

    to: the channel to the thread
    come: the channel from the thread, which a supervisor selects on
    """

    def __init__(self, store: Store, worker: Worker, to: ToBeat, come: FromBeat) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._store, self._worker, self._to, self._come = store, worker, to, come
        self._ticked = self._looked = time.monotonic()
        self._progress_at = int(time.time() * 1000)
        self._unread: int | None = None  # messages from before the agent started are not news
        self._failures, self._superseded, self._stopped = 0, False, False

    def run(self) -> None:
        """Beat, and wait for the next beat or a message. An unexpected error is reported, so no end goes unnoticed."""
        try:
            while not self._go_on():
                continue
        except Exception as error:
            self._come.say(Died(f"{type(error).__name__}: {error}"))

    def _go_on(self) -> bool:
        """Beat on one connection until it fails. Returns whether the thread must end.

        The next call opens a new connection, and so finds a store that was restored meanwhile.
        """
        try:
            with self._store.beside():
                while True:
                    self._beat()
                    if self._listen(time.monotonic() + self._pause()):
                        return True
        except AgentError as error:
            self._failures += 1
            if self._failures == 1:
                self._come.say(Fault(error.message))
            return self._listen(time.monotonic() + self._pause())

    def _pause(self) -> float:
        """Return the seconds until the next beat. After a failure the wait is shorter.

        A jitter of 10 % keeps workers that started together from beating together.
        """
        pause = self._worker.beat_s
        if self._failures:
            pause = min(pause, _AGAIN_S * 2 ** min(self._failures, 10))
        return pause * random.uniform(0.9, 1.1)

    def _listen(self, until: float) -> bool:
        """Handle messages until the next beat is due. Returns whether the thread must end."""
        while (left := until - time.monotonic()) > 0:
            word = self._to.hear(left)
            if word is Say.STOP:
                return True
            if word is Say.TICK:
                self._ticked = time.monotonic()
            elif word is Say.PROGRESS:
                self._progress_at = int(time.time() * 1000)
        return False

    def _beat(self) -> None:
        worker = self._worker
        if time.monotonic() - self._ticked > SILENCE_S or processes.is_gone(worker.child):
            return
        self._look()
        lease_s = worker.beat_s * RUN_BEATS
        with self._store.transaction():
            pulse = self._store.leases.renew(worker.task, worker.epoch, worker.session, lease_s, self._progress_at)
        self._tell(pulse)
        if self._failures:
            self._failures = 0
            self._come.say(Fault(None))

    def _look(self) -> None:
        """Look for progress of an agent that prints nothing: in its commits, and now and then in its files."""
        now = time.monotonic()
        silent = time.time() * 1000 - self._progress_at > LOOK_S * 1000
        budget = LOOKED_AT if silent and now - self._looked >= LOOK_S else 0
        if budget:
            self._looked = now
        found = activity.latest_activity(self._worker.worktree, self._worker.admin, self._progress_at, budget=budget).at
        self._progress_at = max(self._progress_at, found or 0)

    def _tell(self, pulse: Pulse | None) -> None:
        if pulse is None or pulse.epoch != self._worker.epoch:
            self._tell_of_end(pulse)
            return
        if self._unread is not None and pulse.unread > self._unread:
            self._come.say(Mail(pulse.unread))
        self._unread = pulse.unread
        if pulse.stopped_by is not None and not self._stopped:
            self._stopped = True
            self._come.say(Stopped(pulse.stopped_by))

    def _tell_of_end(self, pulse: Pulse | None) -> None:
        if self._superseded:
            return
        self._superseded = True
        change = self._store.events.superseding(self._worker.task, self._worker.epoch)
        by, kill = (change.actor, bool(change.data.get("kill"))) if change else ("somebody", False)
        how = change.kind if change else "task.superseded"
        if how == event_kind(Step.CANCEL) or (pulse is not None and pulse.state == State.CANCELLED):
            self._come.say(Cancelled(by, kill))
        else:
            self._come.say(Lost(how.removeprefix("task."), by, kill))
