"""The reaper against a simulated clock: hosts sleep, boot and reuse pids, the wall clock jumps a day either way.

Nobody who beats on time while awake is reaped; everybody dead is, in the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain.host_clocks import ClockReading, ClockState, update_clocks
from git_agent.domain.lease import Lease, duration_s, is_overdue
from git_agent.domain.process_id import ProcessId
from git_agent.domain.reaping import LeaseDecision, Presence, judge_leases

BEAT_S, LEASE_S = 10.0, 2700.0
SECOND, DAY = 1000, 86_400_000
HOSTS = ("a", "b")


@dataclass
class Host:
    """A host: its clocks, what it remembers of them, and its processes by pid with their start times."""

    name: str
    boots: int = 1
    boot: int = 100_000
    awake: int = 100_000
    seen: ClockState | None = None
    processes: dict[int, int] = field(default_factory=dict)

    def reading(self, wall: int) -> ClockReading:
        return ClockReading(self.name, f"{self.name} {self.boots}", wall, self.boot, self.awake)


@dataclass
class Worker:
    """A worker that beats every gap while its host is awake, until it dies. slept: its host did since its last beat."""

    task: int
    kind: str
    host: Host
    gap: int
    owner: ProcessId
    lease: Lease
    next_beat: int
    alive: bool = True
    reaped: bool = False
    slept: bool = False


class World:
    """Two hosts, one store, one wall clock."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000_000
        self.hosts = {name: Host(name) for name in HOSTS}
        self.workers: list[Worker] = []
        self.crowd_at = 0

    def work(self, kind: str, name: str, gap_s: int) -> None:
        """Begin a worker: `claim` beats with a gap of its own, `run` every ten seconds."""
        host, task = self.hosts[name], len(self.workers) + 1
        pid, start = 100 + task, host.boot + task
        host.processes[pid] = start
        owner = ProcessId(host.name, f"{host.name} {host.boots}", pid, start)
        gap = gap_s * SECOND if kind == "claim" else int(BEAT_S * SECOND)
        lease = Lease(task, kind, 0, 0, None, owner=owner if kind == "run" else None)
        self.workers.append(Worker(task, kind, host, gap, owner, lease, host.awake + gap))
        self._beat(self.workers[-1], self.wall)
        host.seen = update_clocks(host.seen, host.reading(self.wall), LEASE_S)

    def _beat(self, worker: Worker, at: int) -> None:
        length = duration_s(worker.kind, beat_s=BEAT_S, lease_s=LEASE_S)
        assert length is not None
        expires = at + int(length * SECOND)
        worker.lease = worker.lease._replace(beat_at=at, progress_at=at, expires_at=expires, missed_at=None)
        worker.slept = False

    def wait(self, ms: int, asleep: str = "") -> None:
        """Let time pass; one host may sleep meanwhile."""
        self.wall += ms
        for host in self.hosts.values():
            host.boot += ms
            host.awake += 0 if host.name == asleep else ms
        for worker in self.workers:
            worker.slept |= worker.host.name == asleep
            late = worker.host.awake - worker.next_beat
            if worker.alive and not worker.reaped and late >= 0:
                last = worker.next_beat + late // worker.gap * worker.gap
                worker.next_beat = last + worker.gap
                self._beat(worker, self.wall - (worker.host.awake - last))

    def die(self, number: int, reuse: bool) -> None:
        """End a worker's process; its pid may be another one's at once."""
        if number < len(self.workers) and self.workers[number].alive:
            worker = self.workers[number]
            worker.alive = False
            worker.host.processes.pop(worker.owner.pid, None)
            if reuse:
                worker.host.processes[worker.owner.pid] = worker.host.boot + 999_999

    def reboot(self, name: str) -> None:
        host = self.hosts[name]
        host.boots, host.boot, host.awake, host.processes = host.boots + 1, 5_000, 5_000, {}
        for worker in self.workers:
            if worker.host is host:
                worker.alive = False

    def look(self, name: str) -> None:
        """Run a command on a host: what reap does, with the store in memory."""
        host, now = self.hosts[name], self.wall
        reading = host.reading(now)
        host.seen = update_clocks(host.seen, reading, LEASE_S)
        late = [w for w in self.workers if not w.reaped and is_overdue(w.lease, now)]
        found = judge_leases(
            [(w.lease, self._found(w, host)) for w in late],
            now,
            beat_s=BEAT_S,
            lease_s=LEASE_S,
            patient=host.seen.patient(reading),
            crowd_at=self.crowd_at,
        )
        self.crowd_at = now if found.crowd else self.crowd_at
        for worker in late:
            verdict = found.verdicts[worker.task]
            if verdict is LeaseDecision.NOTE:
                worker.lease = worker.lease._replace(missed_at=now)
            if verdict is LeaseDecision.REAP:
                # Another host can't know that the worker's host sleeps: then it is silent for that one.
                assert not worker.alive or (worker.host is not host and worker.slept), worker
                worker.reaped = True

    def _found(self, worker: Worker, host: Host) -> Presence:
        owner = worker.lease.owner
        if owner is None or owner.host != host.name:
            return Presence.UNKNOWN
        here = owner.boot_id == f"{host.name} {host.boots}" and host.processes.get(owner.pid) == owner.pid_start
        return Presence.PRESENT if here else Presence.GONE


hosts = st.sampled_from(HOSTS)
gaps = st.integers(1, 1350)
span = st.one_of(st.integers(0, 30), st.integers(0, 3000), st.integers(0, 100_000)).map(lambda s: s * SECOND)
jump = st.sampled_from([DAY, -DAY, 3_600_000, -3_600_000, 4_000, -4_000, -50_000])
happening = st.one_of(
    st.tuples(st.just("look"), hosts),
    st.tuples(st.just("look"), hosts),
    st.tuples(st.just("wait"), span),
    st.tuples(st.just("sleep"), hosts, span),
    st.tuples(st.just("jump"), jump),
    st.tuples(st.just("die"), st.integers(0, 7), st.booleans()),
    st.tuples(st.just("reboot"), hosts),
    st.tuples(st.just("work"), st.sampled_from(["run", "claim"]), hosts, gaps),
)


def play(world: World, what: tuple[object, ...]) -> None:
    """Let one thing happen."""
    kind, *how = what
    if kind == "jump":
        world.wall += how[0]  # type: ignore[operator]
    elif kind == "sleep":
        world.wait(how[1], asleep=how[0])  # type: ignore[arg-type]
    else:
        getattr(world, str(kind))(*how)


@given(
    st.lists(st.tuples(st.sampled_from(["run", "claim"]), hosts, gaps), min_size=1, max_size=6),
    st.lists(happening, max_size=40),
)
def test_nobody_who_beats_is_reaped_and_everybody_dead_is(
    begun: list[tuple[str, str, int]], happenings: list[tuple[object, ...]]
) -> None:
    world = World()
    for worker in begun:
        world.work(*worker)
    for what in happenings:
        play(world, what)
    for _ in range(4):  # quiet times: the reaper catches up
        world.wait(int(LEASE_S * SECOND) + 60_000)
        for _ in range(3):
            for name in HOSTS:
                world.look(name)
            world.wait(int(BEAT_S * SECOND))
    assert [w.task for w in world.workers if not w.alive and not w.reaped] == []


def _asleep_overnight(workers: int) -> World:
    world = World()
    for _ in range(workers):
        world.work("claim", "a", 600)
    world.wait(60_000)
    world.look("a")
    world.wait(8 * 3_600_000, asleep="a")
    return world


def test_a_laptop_that_slept_overnight_wakes_with_all_its_workers() -> None:
    world = _asleep_overnight(1)
    for _ in range(60):
        world.look("a")
        world.wait(10_000)
    assert not any(w.reaped for w in world.workers)


def test_a_worker_that_died_in_the_night_is_reaped_one_lease_after_waking_and_no_later() -> None:
    world = _asleep_overnight(1)
    world.die(0, reuse=False)
    looks = 0
    while not world.workers[0].reaped:
        world.look("a")
        world.wait(10_000)
        looks += 1
    assert looks == LEASE_S / 10 + 1


@pytest.mark.parametrize("ms", [DAY, -DAY])
@pytest.mark.parametrize("kind", ["claim", "run"])
def test_a_wall_clock_that_jumps_a_day_costs_nobody_the_task(ms: int, kind: str) -> None:
    world = World()
    for host in ("a", "b", "b"):
        world.work(kind, host, 1200)
    world.wait(60_000)
    world.look("a")
    world.wall += ms
    for _ in range(600):
        world.look("a")
        world.look("b")
        world.wait(10_000)
    assert not any(w.reaped for w in world.workers)
