"""What supervising costs: its start, a beat, and 32 supervisors at once."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.bench import crew
from tests.bench.measure import in_turns
from tests.bench.rows import OURS, Benchmark, Goal, Result, Row, absolute, compared
from tests.bench.stage import Stage

ROUNDS = 11
BEATS = 2000
NUMBER, SECONDS = 32, 20
START = Row("run of a command that does nothing", Goal(2, (("list", 1.0),)))
BEAT = Row("processor time of a beat", Goal(1, unit="ms"))
READY = Row("32 supervisors started")
MEMORY = Row("memory of the largest supervisor", Goal(40, unit="MB"))
CPU = Row("processor time of the busiest supervisor", Goal(0.3, unit="%"))
NEAREST = Row("time left on the oldest lease of 32", Goal(0, unit="s", at_least=True))
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def start(stage: Stage) -> Iterator[Result]:
    """`run` of a command that does nothing, to the end of the session, against `list` of the same store."""
    repository = stage.repository("start")
    stage.run("git-agent", "spawn", "Task", cwd=repository)
    # There are no commits, so that the task stays WORKING and can be run again; that is exit code 1.
    run = stage.work("git-agent", "run", "1", "--", "true", cwd=repository, code=1)
    works = {OURS: run, "list": stage.work("git-agent", "list", cwd=repository)}
    yield compared(START, in_turns(works, rounds=stage.rounds(ROUNDS)))


def beat(stage: Stage) -> Iterator[Result]:
    """The CPU time of a beat: the look at the worktree, one transaction, what is read with it."""
    repository, beats = stage.repository("beat", stage.size(500, 50)), stage.size(BEATS, 50)
    tree = crew.hire(stage, repository, stage.size(32, 2))[1]
    from git_agent.git.worktrees import activity
    from git_agent.proc import processes
    from git_agent.store.store import Store

    git_dir = repository / ".git/worktrees" / tree.name
    store, me = Store.open(str(repository / ".git/git-agent"), create=False), processes.myself()
    with store.transaction():
        session = store.sessions.begin(
            task=2, attempt=1, epoch=1, owner=me, token="t", agent=None, command="x", lease_s=120
        )

    def once() -> None:
        processes.is_gone(me)
        activity.latest_activity(str(tree), str(git_dir), int(time.time() * 1000), budget=0)
        with store.transaction():
            assert store.leases.renew(2, 1, session, 120, 0)

    def many() -> float:
        with store.beside():
            began = time.thread_time()
            for _ in range(beats):
                once()
            return (time.thread_time() - began) / beats * 1000

    store.close()
    cost: list[float] = []
    thread = threading.Thread(target=lambda: cost.append(many()))
    thread.start()
    thread.join()
    yield absolute(BEAT, cost, "ms")


class _Seen(NamedTuple):
    memory_kb: int
    ticks: int


def crowd(stage: Stage) -> Iterator[Result]:
    """32 supervisors for 20 seconds: memory, processor time, and how near a lease came to its end."""
    repository, number, seconds = stage.repository("crowd"), stage.size(NUMBER, 2), stage.size(SECONDS, 2)
    crew.hire(stage, repository, number)
    began = time.monotonic()
    running = [_supervise(stage, repository, task) for task in range(1, number + 1)]
    try:
        while len(_kinds(repository)) < number:
            time.sleep(0.1)
        ready = time.monotonic() - began
        time.sleep(stage.size(12, 1))  # until all have beaten once
        before = {p.pid: _look(p.pid) for p in running}
        nearest = _nearest(repository, seconds)
        after = {p.pid: _look(p.pid) for p in running}
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait()
    share = max(after[pid].ticks - before[pid].ticks for pid in after) * _TICK_S / seconds * 100
    yield absolute(READY, [ready], "s")
    yield absolute(MEMORY, [max(seen.memory_kb for seen in after.values()) / 1000], "MB")
    yield absolute(CPU, [share], "%")
    yield absolute(NEAREST, [nearest], "s")


def _supervise(stage: Stage, repository: Path, task: int) -> subprocess.Popen[bytes]:
    command = ["git-agent", "run", str(task), "--", "sleep", "600"]
    none = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=repository, env=stage.env, stdin=none, stdout=none, stderr=none)


def _kinds(repository: Path) -> list[int]:
    return [at for kind, at in _leases(repository) if kind == "run"]


def _nearest(repository: Path, seconds: float) -> float:
    end, nearest = time.monotonic() + seconds, float("inf")
    while time.monotonic() < end:
        now = time.time()
        nearest = min(nearest, *(at / 1000 - now for _, at in _leases(repository)))
        time.sleep(0.25)
    return nearest


def _leases(repository: Path) -> list[tuple[str, int]]:
    import sqlite3

    connection = sqlite3.connect(f"file:{repository}/.git/git-agent/agent.db?mode=ro", uri=True)
    try:
        return connection.execute("SELECT kind, COALESCE(expires_at, 9e15) FROM lease").fetchall()
    finally:
        connection.close()


def _look(pid: int) -> _Seen:
    status = Path(f"/proc/{pid}/status").read_text()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return _Seen(int(status.partition("VmHWM:")[2].split()[0]), int(fields[11]) + int(fields[12]))


BENCHMARKS = {
    "run-start": Benchmark((START,), start),
    "beat": Benchmark((BEAT,), beat),
    "supervisors": Benchmark((READY, MEMORY, CPU, NEAREST), crowd),
}
