"""Waiting for somebody else's change: soon, without a busy processor, and where the system tells nothing, too."""

from __future__ import annotations

import os
import statistics
import threading
import time
from pathlib import Path

import pytest

from git_agent.store import changes
from git_agent.store.store import Store
from tests.store.children import finish, line, start

WRITER = """
store = Store.open(sys.argv[1], create=False)
say("ready")
for _ in sys.stdin:
    with store.transaction():
        store.events.append("task.noted", "Ada", data={"at": time.monotonic()})
    say(time.monotonic())
"""


def _latencies(store: Store, directory: Path, idle_s: float, times: int) -> list[float]:
    """Have another process commit while this one waits; return how long after each commit it was told, in seconds."""
    writer = start(WRITER, directory)
    line(writer)
    found, seen = [], store.wait_for_change(0)
    assert writer.stdin is not None
    for _ in range(times):
        told = threading.Timer(idle_s, lambda: (writer.stdin.write("go\n"), writer.stdin.flush()))  # type: ignore[union-attr]
        told.start()
        changed = store.wait_for_change(30, seen)
        woken = time.monotonic()
        assert changed != seen
        found.append(max(0.0, woken - float(line(writer))))
        seen = store.wait_for_change(0)
    finish(writer)
    return found


@pytest.mark.rest
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="inotify is Linux'")
def test_a_change_wakes_who_has_waited_for_a_while_at_once(store: Store, directory: Path) -> None:
    # By the timer alone it would be up to 2 s.
    assert statistics.median(_latencies(store, directory, 3.0, 3)) < 0.1


@pytest.mark.rest
def test_where_the_system_tells_nothing_a_timer_does(
    store: Store, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_open_inotify", lambda: None)
    assert statistics.median(_latencies(store, directory, 1.0, 5)) < 0.6


def test_what_was_written_between_two_waits_is_not_missed(store: Store, directory: Path) -> None:
    seen = store.wait_for_change(0)
    store.wait_for_change(0.01, seen)
    writer = start(WRITER, directory)
    line(writer)
    assert writer.stdin is not None
    writer.stdin.write("go\n")
    writer.stdin.flush()
    line(writer)
    began = time.monotonic()
    assert store.wait_for_change(30, seen) != seen
    assert time.monotonic() - began < 1
    finish(writer)


@pytest.mark.rest
def test_waiting_costs_no_processor_time_and_ends_in_time(store: Store) -> None:
    before, began = time.process_time(), time.monotonic()
    store.wait_for_change(3)
    assert 3 <= time.monotonic() - began < 4
    assert time.process_time() - before < 0.03


def test_a_wait_leaves_no_descriptor_behind(directory: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        store = Store.open(str(directory), create=True)
        store.wait_for_change(0.01)
        store.wait_for_change(0.01)
        store.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_a_descriptor_left_the_timer_waits(store: Store, directory: Path) -> None:
    code = """
    import ctypes, resource
    from git_agent.store import changes
    store = Store.open(sys.argv[1], create=False)
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[-1] + 1, held[-1] + 1))
    began = time.monotonic()
    store.wait_for_change(0.2)
    say(time.monotonic() - began)
    """
    assert 0.2 <= float(finish(start(code, directory))) < 1
