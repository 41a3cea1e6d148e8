"""Measure how long writers of one store wait for each other: `python -m tests.bench.writers [PROCESSES [SECONDS]]`.

Each process makes small changes as fast as it can: BEGIN IMMEDIATE, read a number, write it back plus one (a
compare-and-swap and its event, FULL), commit. With SQLite's own timeout some of 64 waited 13 s and made one change;
the target is that nobody waits longer than 2 s.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from git_agent.domain.task import Move, State, Step
from git_agent.store.store import Store

PROCESSES, SECONDS = 64, 5.0
_TASK = {"name": "counter", "name_key": "counter", "title": "Counter", "priority": 2, "base": "main"}
_STEP = Move(frozenset({State.OPEN}), Step.ADD, State.OPEN, "", "")


@dataclass(frozen=True, slots=True)
class Measured:
    """What the writers did. waits: each one's longest wait in seconds; made: its changes; kept: what the store has."""

    waits: tuple[float, ...]
    made: tuple[int, ...]
    kept: int
    errors: tuple[str, ...]


def measure(processes: int, seconds: float, directory: str) -> Measured:
    """Let processes write to a new store in a directory for some seconds, all at once."""
    store = Store.open(directory, create=True)
    with store.transaction():
        task = store.tasks.insert(_TASK, State.OPEN).id
    store.close()  # no connection is carried across a fork
    go = os.pipe()
    reports = [_fork(directory, task, seconds, go) for _ in range(processes)]
    time.sleep(0.2)
    os.close(go[1])
    told = [_read(report) for report in reports]
    for _ in range(processes):
        os.wait()
    store = Store.open(directory, create=False)
    kept = store.tasks.get(task).version
    assert len(store.events.of_task(task, limit=kept + 1)) == kept
    store.close()
    fine = [line.split() for line in told if not line.startswith("error")]
    errors = tuple(line for line in told if line.startswith("error"))
    return Measured(tuple(float(wait) for wait, _ in fine), tuple(int(made) for _, made in fine), kept, errors)


def _fork(directory: str, task: int, seconds: float, go: tuple[int, int]) -> int:
    report = os.pipe()
    if os.fork() == 0:
        os.close(go[1])
        os.read(go[0], 1)  # until the parent closes its end
        try:
            line = "{:.4f} {}".format(*_write(directory, task, seconds))
        except BaseException as error:
            line = f"error {error!r}"
        os.write(report[1], line.encode())
        os._exit(0)
    os.close(report[1])
    return report[0]


def _read(report: int) -> str:
    with open(report) as file:
        return file.read()


def _write(directory: str, task: int, seconds: float) -> tuple[float, int]:
    store = Store.open(directory, create=False)
    longest, made, end = 0.0, 0, time.monotonic() + seconds
    while (began := time.monotonic()) < end:
        with store.transaction():
            store.tasks.move(store.tasks.get(task), _STEP, "writer")
        longest, made = max(longest, time.monotonic() - began), made + 1
    return longest, made


def main() -> None:
    """Print the longest wait, and the changes made by the idlest and by the busiest process."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(processes, seconds, str(Path(scratch) / "git-agent"))
    lost = sum(found.made) - found.kept
    print(f"{processes} writers for {seconds:g} s: {sum(found.made) / seconds:.0f} changes/s, {lost} lost")
    print(f"longest wait {max(found.waits):.2f} s; changes per process {min(found.made)} to {max(found.made)}")
    for error in found.errors:
        print(error)


if __name__ == "__main__":
    main()
