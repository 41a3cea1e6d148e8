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

from tests.bench.pairs import line, paired
from tests.bench.stage import Stage, fill

ROUNDS = 15
BEATS = 2000
NUMBER, SECONDS = 32, 60
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def start(stage: Stage) -> Iterator[str]:
    """`run` of a command that does nothing, to the end of the session, against `list` of the same store."""
    repository = stage.repository("start")
    stage.run("git-agent", "spawn", "Task", cwd=repository)
    first = stage.work("git-agent", "run", "1", "--", "true", cwd=repository)
    second = stage.work("git-agent", "list", cwd=repository)
    yield line("run -- true / list", paired(first, second, rounds=ROUNDS), 2.0)


def beat(stage: Stage) -> Iterator[str]:
    """The CPU time of a beat: the look at the worktree, one transaction, what is read with it."""
    repository = stage.repository("beat")
    fill(stage, repository, live=32)
    from git_agent.git.worktrees import activity
    from git_agent.proc import processes
    from git_agent.store.store import Store

    store, me = Store.open(str(repository / ".git/git-agent"), create=False), processes.myself()
    with store.transaction():
        session = store.sessions.begin(
            task=2, attempt=1, epoch=1, owner=me, token="t", agent=None, command="x", lease_s=120
        )

    def once() -> None:
        processes.is_gone(me)
        activity.latest_activity(str(repository), str(repository / ".git"), int(time.time() * 1000), budget=0)
        with store.transaction():
            assert store.leases.renew(2, 1, session, 120, 0)

    def many() -> float:
        with store.beside():
            began = time.thread_time()
            for _ in range(BEATS):
                once()
            return (time.thread_time() - began) / BEATS * 1000

    store.close()
    cost: list[float] = []
    thread = threading.Thread(target=lambda: cost.append(many()))
    thread.start()
    thread.join()
    yield f"{'CPU of a beat':<34}{f'{cost[0]:6.3f} ms':<26}{'target 1.00 ms  ' + _met(cost[0] < 1.0):<22}"


class _Seen(NamedTuple):
    memory_kb: int
    ticks: int


def crowd(stage: Stage) -> Iterator[str]:
    """32 supervisors for a minute: their memory, their processor time, and how near a lease came to its end."""
    repository = stage.repository("crowd")
    for number in range(NUMBER):
        stage.run("git-agent", "spawn", f"Task {number}", cwd=repository)
    began = time.monotonic()
    running = [
        subprocess.Popen(
            ["git-agent", "run", str(n + 1), "--", "sleep", "600"],
            cwd=repository,
            env=stage.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for n in range(NUMBER)
    ]
    try:
        while len(_kinds(repository)) < NUMBER:
            time.sleep(0.1)
        ready = time.monotonic() - began
        time.sleep(12)  # until all have beaten once
        before = {p.pid: _look(p.pid) for p in running}
        nearest = _nearest(repository, SECONDS)
        after = {p.pid: _look(p.pid) for p in running}
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait()
    share = max(after[pid].ticks - before[pid].ticks for pid in after) * _TICK_S / SECONDS * 100
    memory = max(seen.memory_kb for seen in after.values()) / 1000
    yield f"{f'{NUMBER} supervisors run after':<34}{f'{ready:6.1f} s':<26}{'for information':<22}"
    yield f"{'memory of the largest':<34}{f'{memory:6.1f} MB':<26}{'target 40 MB  ' + _met(memory < 40):<22}"
    yield f"{'CPU of the busiest, idle':<34}{f'{share:6.2f} %':<26}{'target 0.30 %  ' + _met(share < 0.3):<22}"
    yield f"{'nearest to the end of a lease':<34}{f'{nearest:6.1f} s':<26}{'target > 0 s  ' + _met(nearest > 0):<22}"


def _met(fine: bool) -> str:
    return "met" if fine else "NOT MET"


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


BENCHMARKS = {"run-start": start, "beat": beat, "supervisors": crowd}
