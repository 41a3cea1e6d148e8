"""The beat thread by itself, with a real store and real processes: when it renews, and what it brings back."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_agent.domain.process_id import ProcessId
from git_agent.domain.task import State, Step, Task, after
from git_agent.proc import processes
from git_agent.runtime import heartbeat
from git_agent.runtime.channel import Cancelled, Died, Fault, FromBeat, Heard, Lost, Mail, Say, Stopped, ToBeat
from git_agent.runtime.heartbeat import Heartbeat, Worker
from git_agent.store.store import Store
from tests.hooks.crowd import PATIENCE, eventually

BEAT_S = 0.05


class Beating:
    """A task that is worked on, its session, and a beat thread."""

    def __init__(self, store: Store, child: ProcessId, worktree: Path) -> None:
        self.store, self.to, self.come = store, ToBeat(), FromBeat()
        self.said: list[Heard] = []
        with store.transaction():
            values = {"name": "a", "name_key": "a", "title": "A", "priority": 2, "base": "main"}
            made = store.tasks.insert(values, State.OPEN)
            store.attempts.add(made.id, 1, 1, "agent/1-a", "0" * 40, adopted=False)
            self._move(made, Step.SPAWN, branch="agent/1-a", attempt=1)
            self._move(store.tasks.get(made.id), Step.START)
            self.session = store.sessions.begin(
                task=1, attempt=1, epoch=1, owner=processes.myself(), token="t", agent=None, command="x", lease_s=120
            )
        worker = Worker(1, 1, self.session, str(worktree), str(worktree), child, BEAT_S)
        self.thread = Heartbeat(store, worker, self.to, self.come)

    def _move(self, task: Task, step: Step, **columns: object) -> None:
        made = after(task.state, task.hold, step)
        assert made is not None
        self.store.tasks.move(task, made, "Ada", **columns)

    def move(self, step: Step, **data: object) -> None:
        """Make a step."""
        with self.store.transaction():
            task = self.store.tasks.get(1)
            made = after(task.state, task.hold, step)
            assert made is not None
            self.store.tasks.move(task, made, "Ada", data=data)

    def beat_at(self) -> int:
        """Read the last beat, 0 without a lease."""
        lease = self.store.leases.of([1]).get(1)
        return lease.beat_at if lease else 0

    def beats_on(self, tick: bool = False) -> None:
        """Wait until it beats once more. tick: the main thread ticks meanwhile."""
        before = self.beat_at()

        def beaten() -> bool:
            if tick:
                self.to.say(Say.TICK)
            return self.beat_at() > before

        eventually(beaten, lambda: before)

    def falls_silent(self) -> None:
        """Wait until it beats no more; one beat may be under way."""

        def still() -> bool:
            before = self.beat_at()
            time.sleep(BEAT_S * 5)
            return self.beat_at() == before

        eventually(still, self.beat_at)

    def hears(self, wanted: Callable[[Heard], bool]) -> None:
        """Wait until something was said."""

        def look() -> bool:
            if select.select([self.come.fd], [], [], 0)[0]:
                self.said += self.come.hear()
            return any(map(wanted, self.said))

        eventually(look, lambda: self.said)


@pytest.fixture
def beating(tmp_path: Path) -> Iterator[Beating]:
    """Return a beat thread that was not started, for a child that sleeps; it is ended afterwards."""
    store = Store.open(str(tmp_path / "git-agent"), create=True)
    with subprocess.Popen(["sleep", "300"]) as child:
        owner = processes.describe(child.pid)
        assert owner is not None
        (tmp_path / "worktree").mkdir()
        made = Beating(store, owner, tmp_path / "worktree")
        yield made
        made.to.say(Say.STOP)
        if made.thread.ident is not None:
            made.thread.join()
        made.come.close()
        child.kill()
    store.close()


def test_it_beats_until_it_is_told_to_stop(beating: Beating) -> None:
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    beating.beats_on()
    beating.to.say(Say.STOP)
    beating.thread.join(PATIENCE)
    assert not beating.thread.is_alive()
    beating.falls_silent()


def test_it_does_not_renew_when_the_child_is_gone(beating: Beating) -> None:
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    os.kill(beating.thread._worker.child.pid, 9)  # it stays a zombie: its parent is this process
    beating.falls_silent()


def test_it_does_not_renew_when_the_main_thread_ticks_no_more(
    beating: Beating, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SILENCE_S", 0.3)
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    beating.falls_silent()
    beating.beats_on(tick=True)


def test_progress_is_what_the_main_thread_says_or_the_files_show(
    beating: Beating, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "LOOK_S", 0.2)
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    first = beating.store.leases.of([1])[1].progress_at
    beating.beats_on()
    assert beating.store.leases.of([1])[1].progress_at == first
    beating.to.say(Say.PROGRESS)
    eventually(lambda: beating.store.leases.of([1])[1].progress_at > first, lambda: None)
    second = beating.store.leases.of([1])[1].progress_at
    time.sleep(0.3)
    (tmp_path / "worktree/sub").mkdir()
    (tmp_path / "worktree/sub/file").write_text("x")
    eventually(lambda: beating.store.leases.of([1])[1].progress_at > second, lambda: None)


def test_a_hold_ends_the_lease_and_its_end_takes_it_again(beating: Beating) -> None:
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    beating.move(Step.ASK)
    with beating.store.transaction():
        beating.store.leases.drop(1)
    beating.falls_silent()
    beating.move(Step.ANSWER)
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    assert beating.store.leases.of([1])[1].kind == "run"


@pytest.mark.parametrize(
    ("step", "data", "said"),
    [
        (Step.CANCEL, {}, Cancelled("Ada", False)),
        (Step.CANCEL, {"kill": True}, Cancelled("Ada", True)),
        (Step.REASSIGN, {}, Lost("reassigned", "Ada", False)),
        (Step.REASSIGN, {"kill": True}, Lost("reassigned", "Ada", True)),
        (Step.REAP, {}, Lost("reaped", "Ada", False)),
    ],
)
def test_who_is_superseded_is_told_once_by_whom_and_how(
    beating: Beating, step: Step, data: dict[str, object], said: Heard
) -> None:
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    beating.move(step, **data)
    beating.hears(lambda heard: heard == said)
    beating.falls_silent()
    assert beating.said == [said]


def test_mail_and_a_wish_to_stop_come_back_on_the_beat(beating: Beating) -> None:
    from git_agent.domain.message import Draft

    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    with beating.store.transaction():
        beating.store.messages.send([Draft("1", "hello", 1)], "@human", verified=True)
    beating.hears(lambda heard: heard == Mail(1))
    with beating.store.transaction():
        beating.store.sessions.stop(beating.session, "Ada")
    beating.hears(lambda heard: heard == Stopped("Ada"))
    for _ in range(3):  # no beat says it again
        beating.beats_on()
    beating.hears(lambda heard: True)
    assert beating.said == [Mail(1), Stopped("Ada")]


def test_a_store_that_fails_is_said_once_and_so_is_its_return(beating: Beating, tmp_path: Path) -> None:
    beating.thread.start()
    eventually(lambda: beating.beat_at() > 0, lambda: None)
    os.rename(tmp_path / "git-agent", tmp_path / "away")
    beating.hears(lambda heard: isinstance(heard, Fault) and heard.message is not None)
    os.rename(tmp_path / "away", tmp_path / "git-agent")
    beating.hears(lambda heard: heard == Fault(None))
    assert len(beating.said) == 2
    beating.beats_on()


def test_what_nobody_foresaw_is_told(beating: Beating, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(beating.store.leases, "renew", broken)
    beating.thread.start()
    beating.hears(lambda heard: heard == Died("RuntimeError: broken"))
    beating.thread.join(PATIENCE)
    assert not beating.thread.is_alive()
