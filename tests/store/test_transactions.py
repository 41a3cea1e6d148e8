"""What was acknowledged stays, what was not never was: kills, replaced files, full disks, stopped writers."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from git_agent.domain.task import State, Step, after
from git_agent.errors import AgentError, Exit
from git_agent.store.store import Store
from tests.store.children import answer, finish, line, run, start
from tests.store.conftest import Add

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

CHANGE = """
store = Store.open(sys.argv[1], create=False)
def change():
    store.tasks.move(store.tasks.get(1), after(State.OPEN, None, Step.CANCEL), "worker")
"""
HOLD = (
    CHANGE
    + """
with store.transaction():
    change()
    say("mine")
    sys.stdin.readline()
"""
)


@pytest.mark.parametrize("where", ["before the event", "before the commit"])
def test_a_process_killed_inside_a_transaction_leaves_neither_change_nor_event(
    store: Store, directory: Path, add: Add, where: str
) -> None:
    task = add("a")
    dying = (
        "store.events.append = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        if where == "before the event"
        else ""
    )
    code = CHANGE + dying + "with store.transaction():\n    change()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    process = start(code, directory)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert store.tasks.get(task.id) == task
    assert store.events.of_task(None) == []
    run(CHANGE + "with store.transaction():\n    change()\n", directory)  # and the lock is free
    assert store.tasks.get(task.id).state is State.CANCELLED


@pytest.mark.rest
@pytest.mark.timeout(90)
def test_forty_kills_of_writers_lose_nothing_that_was_acknowledged(directory: Path, store: Store) -> None:
    writer = """
        store = Store.open(sys.argv[1], create=False)
        store._database.rows("PRAGMA wal_autocheckpoint = 20")
        for number in range(10 ** 6):
            with store.transaction():
                task = add(store, f"t{os.getpid()}-{number}")
                store.tasks.move(task, after(State.OPEN, None, Step.CANCEL), "writer")
                store.tasks.set_paths(task.id, ["src", "docs"])
            os.write(1, b"%d\\n" % task.id)
    """
    # One interpreter imports, then forks the writers it is asked for, so that forty of them cost little.
    nursery = start(
        f"""
        import textwrap
        writer = textwrap.dedent({writer!r})
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        for order in sys.stdin:
            with open(order.strip(), "w") as out:
                pid = os.fork()
                if pid == 0:
                    os.dup2(out.fileno(), 1)
                    exec(writer)
            say(pid)
        """,
        directory,
    )
    assert nursery.stdin is not None
    alive: dict[int, Path] = {}
    files: list[Path] = []
    chance = random.Random(7)
    try:
        for kills in range(40):
            while len(alive) < 4:
                files.append(directory.parent / f"acknowledged-{len(files)}")
                nursery.stdin.write(f"{files[-1]}\n")
                nursery.stdin.flush()
                alive[int(line(nursery))] = files[-1]
            victim = chance.choice(list(alive))
            _wait_until(lambda file=alive[victim]: file.stat().st_size > 0)  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.03))
            # Now and then all at once, so that the next one to open the store has a WAL to recover.
            for pid in list(alive) if kills % 8 == 7 else [victim]:
                os.kill(pid, signal.SIGKILL)
                del alive[pid]
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        nursery.communicate(timeout=60)
    lines = [line for file in files for line in file.read_text().splitlines(keepends=True)]
    acknowledged = {int(line) for line in lines if line.endswith("\n")}
    rows = {task.id: task for task in store.tasks.listing()}
    assert len(acknowledged) >= 40
    assert acknowledged - set(rows) == set()
    assert {task.state for task in rows.values()} == {State.CANCELLED}
    assert {event.task for event in store.events.of_task(None, limit=10**6)} == set(rows)
    assert set(map(len, store.tasks.paths(rows).values())) == {2}
    assert store._database.rows("PRAGMA integrity_check") == [("ok",)]


def _wait_until(true: Callable[[], bool], limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def _deleted(path: Path) -> None:
    path.unlink()


def _deleted_with_its_wal(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


def _renamed(path: Path) -> None:
    path.rename(path.with_name("old.db"))


def _replaced(path: Path) -> None:
    other = path.with_name("other")
    made = answer("Store.open(sys.argv[1], create=True).close()\nsay(json.dumps(True))", other)
    assert made
    (other / "agent.db").rename(path)


def _directory_deleted(path: Path) -> None:
    shutil.rmtree(path.parent)


def _directory_replaced(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    run("Store.open(sys.argv[1], create=True).close()", path.parent)


@pytest.mark.parametrize(
    "change",
    [_deleted, _deleted_with_its_wal, _renamed, _replaced, _directory_deleted, _directory_replaced],
    ids=lambda change: change.__name__.strip("_").replace("_", " "),
)
def test_a_store_that_goes_away_while_it_is_open_is_never_written_to_in_silence(
    directory: Path, store: Store, add: Add, change: Callable[[Path], None]
) -> None:
    task = add("a")
    change(Path(store.path))
    with pytest.raises(AgentError) as caught, store.transaction():
        store.tasks.put(task.id, title="lost")
    assert caught.value.code == "store-replaced" and "nothing was written" in caught.value.message
    with pytest.raises(AgentError, match="replaced"), store.transaction():  # it stays that way
        store.tasks.put(task.id, title="lost")
    store.close()
    again = Store.open(str(directory), create=True)
    assert "lost" not in [t.title for t in store.tasks.listing()]
    again.close()


def test_a_store_replaced_in_the_middle_of_a_transaction_is_noticed_at_its_end(store: Store, add: Add) -> None:
    task = add("a")
    with pytest.raises(AgentError) as caught, store.transaction():
        store.tasks.put(task.id, title="lost")
        _replaced(Path(store.path))
    assert caught.value.code == "store-replaced"


def test_each_threads_connection_remembers_the_file_that_it_opened(store: Store, add: Add) -> None:
    import threading

    task = add("a")
    _replaced(Path(store.path))
    other = threading.Thread(target=lambda: (store.tasks.listing(), store.close()))  # opens the new file
    other.start()
    other.join()
    with pytest.raises(AgentError, match="replaced"), store.transaction():
        store.tasks.put(task.id, title="lost")


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Return a directory on a file system of half a megabyte; only root can make one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root on Linux")
    here = Path(tempfile.mkdtemp())
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", here], capture_output=True).returncode:
        here.rmdir()
        pytest.skip("this machine does not let us mount")
    yield here
    subprocess.run(["umount", "--lazy", here], check=True)
    here.rmdir()


def test_a_full_disk_is_said_and_changes_nothing(small_disk: Path) -> None:
    store = Store.open(str(small_disk / "git-agent"), create=True)
    values = {"name": "a", "name_key": "a", "title": "A", "priority": 2, "base": "main"}
    with store.transaction():
        task = store.tasks.insert(values, State.OPEN)
    (small_disk / "ballast").write_bytes(b"\0" * (os.statvfs(small_disk).f_bavail * 4096 - 40_000))
    for where in ("in a statement", "at the commit"):
        cancel = after(State.OPEN, None, Step.CANCEL)
        assert cancel
        with pytest.raises(AgentError) as caught, store.transaction():
            store.tasks.move(task, cancel, "Ada")
            store._database.rows(f"PRAGMA cache_size = {1 if where == 'in a statement' else 2000}")
            store.tasks.put(task.id, body="x" * 400_000)
        error = caught.value
        assert (error.code, error.exit) == ("disk-full", Exit.ERROR), where
        assert "nothing was changed" in error.message and store.path in error.hint
        assert store.tasks.get(task.id) == task and store.events.of_task(None) == []
    (small_disk / "ballast").unlink()
    with store.transaction():
        store.tasks.put(task.id, title="there is room again")
    assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_a_store_that_does_not_fit_on_the_disk_is_not_half_made(small_disk: Path) -> None:
    (small_disk / "ballast").write_bytes(b"\0" * (os.statvfs(small_disk).f_bavail * 4096 - 40_000))
    with pytest.raises(AgentError) as caught:
        Store.open(str(small_disk / "git-agent"), create=True)
    assert caught.value.code == "disk-full"
    assert list((small_disk / "git-agent").iterdir()) == []


def test_a_limit_on_the_size_of_files_is_an_error_and_no_death(store: Store, directory: Path, add: Add) -> None:
    add("a")
    error = answer(
        """
        import resource
        store = Store.open(sys.argv[1], create=False)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python itself sets it
        def work():
            with store.transaction():
                store.tasks.put(1, body="x" * 1_000_000)
        say(json.dumps(tried(work)))
        """,
        directory,
    )
    assert error[0] in ("disk-full", "store-io") and error[1] == Exit.ERROR
    assert store.tasks.get(1).body == ""


@linux
def test_a_stopped_writer_is_named_and_the_others_end_with_exit_6(directory: Path, store: Store, add: Add) -> None:
    add("a")
    holder = start(HOLD, directory)
    assert line(holder) == "mine"
    os.kill(holder.pid, signal.SIGSTOP)
    try:
        waiting = start(
            """
            sqlite.BUSY_LIMIT_S = 0.3
            store = Store.open(sys.argv[1], create=False)
            began = time.monotonic()
            def work():
                with store.transaction():
                    store.tasks.put(1, title="B")
            error = tried(work)
            say(json.dumps([*error, time.monotonic() - began, store.tasks.get(1).title]))
            """,
            directory,
        )
        code, exit, message, hint, waited, title = json.loads(finish(waiting))
    finally:
        os.kill(holder.pid, signal.SIGCONT)
    assert (code, exit) == ("store-busy", Exit.BUSY)
    assert f"pid {holder.pid}" in message and "stopped" in message and "CONT" in hint
    assert 0.3 <= waited < 10
    assert title == "a"  # reading went on
    holder.communicate("go on\n", timeout=60)
    assert store.tasks.get(1).state is State.CANCELLED
    with store.transaction():
        store.tasks.put(1, title="B")


@linux
def test_a_writer_that_only_takes_long_is_named_but_not_called_stopped(directory: Path, add: Add) -> None:
    add("a")
    holder = start(HOLD, directory)
    assert line(holder) == "mine"
    error = answer(
        """
        sqlite.BUSY_LIMIT_S = 0.2
        store = Store.open(sys.argv[1], create=False)
        def work():
            with store.transaction():
                pass
        say(json.dumps(tried(work)))
        """,
        directory,
    )
    holder.communicate("go on\n", timeout=60)
    assert error[0] == "store-busy" and f"pid {holder.pid}" in error[2] and "stopped" not in error[2]


def test_a_damaged_store_is_said_to_be_damaged_and_not_written_to(directory: Path, store: Store, add: Add) -> None:
    for number in range(60):
        add(f"t{number}", body="x" * 3000)
    store.close()
    path = directory / "agent.db"
    raw = bytearray(path.read_bytes())
    for page in range(len(raw) // 8192, len(raw) // 4096 - 2):  # behind what opening reads
        raw[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
    path.write_bytes(raw)
    again = Store.open(str(directory), create=False)
    for _ in range(2):
        with pytest.raises(AgentError) as caught:
            store.tasks.listing()
        assert caught.value.code == "store-corrupt" and str(path) in caught.value.message
    again.close()
    assert path.read_bytes() == raw


def test_waiting_ends_when_another_process_commits(directory: Path, store: Store, add: Add) -> None:
    add("a")
    seen = store.wait_for_change(0)
    assert store.wait_for_change(0, seen) == seen
    began = time.monotonic()
    other = start(CHANGE + "time.sleep(0.3)\nwith store.transaction():\n    change()\n", directory)
    now = store.wait_for_change(30, seen)
    assert now != seen and time.monotonic() - began < 20
    finish(other)
    assert store.tasks.get(1).state is State.CANCELLED
    # A change between two waits is not missed.
    run("store = Store.open(sys.argv[1], create=False)\nwith store.transaction():\n    add(store, 'b')\n", directory)
    began = time.monotonic()
    assert store.wait_for_change(30, now) != now
    assert time.monotonic() - began < 5


def test_waiting_ends_when_the_time_is_up(store: Store) -> None:
    seen = store.wait_for_change(0)
    began = time.monotonic()
    assert store.wait_for_change(0.2, seen) == seen
    assert 0.2 <= time.monotonic() - began < 5


def test_waiting_does_not_keep_the_wal_from_being_emptied(directory: Path, store: Store, add: Add) -> None:
    # An open read transaction does: the WAL then grows without end (measured: 95 MB instead of 4).
    add("a")
    seen = store.wait_for_change(0)
    store.wait_for_change(0.05, seen)
    other = apsw.Connection(store.path)
    busy, _, moved = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    other.close()
    assert (busy, moved) == (0, 0)
    assert (directory / "agent.db-wal").stat().st_size == 0


def test_the_clock_is_the_databases_in_milliseconds(store: Store) -> None:
    before = time.time_ns() // 1_000_000
    now = store.now()
    assert before - 2 <= now <= time.time_ns() // 1_000_000 + 2
