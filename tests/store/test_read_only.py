"""Where nothing can be written (a sandbox, a read-only mount, somebody else's directory) the store can be read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_agent.domain.task import State
from git_agent.store.store import Store
from tests.store.children import finish, line, run, start

# Root may write everywhere: it becomes nobody when everything is imported.
LOOK = """
import random  # nobody may not be able to read the interpreter's library

def nobody():
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

def look():
    store = Store.open(sys.argv[1], create=False)
    names = [task.name for task in store.tasks.listing()]
    def write():
        with store.transaction():
            store.tasks.put(1, title="written")
    error = tried(write)
    store.close()
    return [names, error]
"""
READ = LOOK + "nobody()\nsay(json.dumps(tried(look)))"


@pytest.fixture
def directory() -> Iterator[Path]:
    """Return where the store will be, in a place that other users can reach."""
    top = Path(tempfile.mkdtemp())
    top.chmod(0o755)
    yield top / "git-agent"
    for path in [top, *top.rglob("*")]:
        path.chmod(0o700)
    shutil.rmtree(top)


@pytest.fixture
def closed(directory: Path) -> Path:
    """Make a store with one task in it, which nobody has open."""
    store = Store.open(str(directory), create=True)
    with store.transaction():
        values = {"name": "a", "name_key": "a", "title": "A", "priority": 2, "base": "main"}
        store.tasks.insert(values, State.OPEN)
    store.close()
    return directory


def _modes(directory: Path, of_directory: int, of_files: int) -> None:
    for file in directory.iterdir():
        file.chmod(of_files)
    directory.chmod(of_directory)


def _look(directory: Path) -> Any:
    return json.loads(run(READ, directory).splitlines()[-1])


def _assert_reads_but_does_not_write(directory: Path, found: Any) -> None:
    names, error = found
    assert names == ["a"]
    assert error[:2] == ["store-not-writable", 1]
    assert str(directory / "agent.db") in error[2] and str(directory) in error[3]


@pytest.mark.parametrize("mode", [0o444, 0o666])
def test_a_closed_store_in_a_directory_that_can_not_be_written_is_read(closed: Path, mode: int) -> None:
    _modes(closed, 0o555, mode)
    before = [(file.name, file.read_bytes()) for file in closed.iterdir()]
    _assert_reads_but_does_not_write(closed, _look(closed))
    assert [(file.name, file.read_bytes()) for file in closed.iterdir()] == before


def test_a_store_whose_name_is_no_plain_uri_is_read(directory: Path) -> None:
    name = b"q?immutable=0#%41 caf" + (b"" if sys.platform == "darwin" else b"\xe9")  # APFS takes UTF-8 only
    odd = directory.parent / os.fsdecode(name) / "git-agent"
    odd.parent.mkdir()
    odd.parent.chmod(0o755)
    store = Store.open(str(odd), create=True)
    with store.transaction():
        values = {"name": "a", "name_key": "a", "title": "A", "priority": 2, "base": "main"}
        store.tasks.insert(values, State.OPEN)
    store.close()
    _modes(odd, 0o555, 0o444)
    code = READ.replace("sys.argv[1]", "os.fsdecode(bytes.fromhex(sys.argv[1]))")
    names, error = json.loads(run(code, os.fsencode(odd).hex()).splitlines()[-1])
    assert names == ["a"] and error[0] == "store-not-writable"


def test_a_store_that_somebody_else_has_open_is_read_with_what_only_its_wal_holds(closed: Path) -> None:
    holder = start(
        """
        store = Store.open(sys.argv[1], create=False)
        with store.transaction():
            add(store, "in-the-wal")
        say("open")
        sys.stdin.readline()
        """,
        closed,
    )
    assert line(holder) == "open"
    _modes(closed, 0o555, 0o444)
    names, error = _look(closed)
    holder.communicate("\n", timeout=60)
    assert names == ["a", "in-the-wal"]
    assert error[0] == "store-not-writable"


def test_a_wal_that_can_not_be_read_is_never_passed_over(closed: Path) -> None:
    # Left by a killed process; without its index it takes a write to read it. An old answer would be worse than none.
    run(
        """
        store = Store.open(sys.argv[1], create=False)
        with store.transaction():
            add(store, "in-the-wal")
        os._exit(0)
        """,
        closed,
    )
    (closed / "agent.db-shm").unlink()
    _modes(closed, 0o555, 0o444)
    assert _look(closed)[0] == "store-not-writable"
    _modes(closed, 0o777, 0o666)
    names, _ = _look(closed)
    assert names == ["a", "in-the-wal"]


def test_a_store_of_somebody_else_that_can_not_be_read_says_so(closed: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("takes two users")
    _modes(closed, 0o755, 0o600)
    code, _, message, hint = _look(closed)
    assert code == "store-not-readable" and str(closed / "agent.db") in message and "mode" in hint
    closed.chmod(0o700)
    code, _, message, _ = _look(closed)
    assert code == "store-not-readable" and str(closed / "agent.db") in message


def test_a_store_can_not_be_made_where_nothing_can_be_written(directory: Path) -> None:
    directory.parent.chmod(0o555)
    code = LOOK + "nobody()\nsay(json.dumps(tried(lambda: Store.open(sys.argv[1], create=True).path)))"
    error, exit, message, hint = json.loads(run(code, directory).splitlines()[-1])
    assert (error, exit) == ("store-not-writable", 1)
    assert str(directory) in message and str(directory) in hint
    assert not directory.exists()


@pytest.mark.parametrize("live", [False, True], ids=["closed", "open elsewhere"])
def test_a_store_on_a_read_only_file_system_is_read(closed: Path, live: bool) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting needs root on Linux")
    holder = start("store = Store.open(sys.argv[1], create=False)\nsay('open')\nsys.stdin.readline()", closed)
    assert line(holder) == "open"
    if not live:
        holder.communicate("\n", timeout=60)
    view = closed.with_name("view")
    view.mkdir()
    bound = subprocess.run(["mount", "--bind", closed, view], capture_output=True).returncode == 0
    try:
        if not bound or subprocess.run(["mount", "-o", "remount,bind,ro", view], capture_output=True).returncode:
            pytest.skip("this machine does not let us mount")
        found = json.loads(run(LOOK + "say(json.dumps(tried(look)))", view).splitlines()[-1])
    finally:
        if bound:
            subprocess.run(["umount", "--lazy", view], check=True)
        if live:
            holder.stdin and holder.stdin.write("\n")
            finish(holder)
    _assert_reads_but_does_not_write(view, found)
