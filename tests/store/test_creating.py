"""Making and opening a store; whatever else stands in its place is refused and left as it was."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from git_agent.domain.task import State
from git_agent.errors import AgentError, Exit
from git_agent.store import migrate
from git_agent.store.store import Store
from tests.store.children import answer
from tests.store.conftest import Add


def test_sixteen_processes_at_once_make_one_store(directory: Path) -> None:
    results = answer(
        """
        def work(number):
            store = Store.open(sys.argv[1], create=True)
            with store.transaction():
                return add(store, f"by-{number}").id
        say(json.dumps(at_once(16, work)))
        """,
        directory,
    )
    assert sorted(results) == list(range(1, 17))
    assert [entry.name for entry in directory.iterdir() if ".new-" in entry.name] == []
    store = Store.open(str(directory), create=False)
    assert len(store.tasks.listing()) == 16
    store.close()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_user_can_read_the_store_whatever_the_umask(directory: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = Store.open(str(directory), create=True)
        with store.transaction():
            store.tasks.insert({"name": "a", "name_key": "a", "title": "A", "priority": 2, "base": "main"}, State.OPEN)
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in directory.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes == {"agent.db": 0o600, "agent.db-wal": 0o600, "agent.db-shm": 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_store_is_not_made_unless_asked_for(directory: Path) -> None:
    with pytest.raises(AgentError) as caught:
        Store.open(str(directory), create=False)
    assert (caught.value.code, caught.value.hint) == ("no-store", "git agent init")
    assert not directory.exists()


def test_opening_again_keeps_what_is_there(directory: Path, store: Store, add: Add) -> None:
    add("one")
    store.close()
    again = Store.open(str(directory), create=True)
    assert [task.name for task in store.tasks.listing()] == ["one"]
    again.close()


@pytest.mark.parametrize("name", [b"caf\xe9", b"new\nline", b"q'u\"o?te=1#h%20", b"file:x", b"a b", "日本".encode()])
def test_a_store_can_be_anywhere(tmp_path: Path, name: bytes) -> None:
    directory = os.path.join(tmp_path, os.fsdecode(name), "git-agent")
    if sys.platform == "darwin" and b"\xe9" in name:
        pytest.skip("APFS takes names in UTF-8 only")
    os.makedirs(os.path.dirname(directory))
    for _ in range(2):
        store = Store.open(directory, create=True)
        with store.transaction():
            number = len(store.tasks.listing())
            values = {"name": f"t{number}", "name_key": f"t{number}", "title": "T", "priority": 2, "base": "main"}
            store.tasks.insert(values, State.OPEN)
        store.close()
    assert os.listdir(directory) == ["agent.db"]
    assert number == 1


def _garbage(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\necho this is no database\n" * 100)


def _one_byte(path: Path) -> None:
    path.write_bytes(b"x")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _zeros(path: Path) -> None:
    path.write_bytes(b"\0" * 8192)


def _half_a_store(path: Path) -> None:
    migrate.create(str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:100])


def _other_programs_database(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA application_id=7; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    connection.close()


def _other_programs_wal(path: Path) -> None:
    # Killed in the middle: its WAL waits to be read by its owner, not to be folded in by us.
    code = (
        "import apsw, os, sys; c = apsw.Connection(sys.argv[1])\n"
        "c.execute('PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)').fetchall(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    path.with_name("agent.db-shm").unlink()


def _newer_store(path: Path) -> None:
    migrate.create(str(path))
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA user_version={migrate.VERSION + 1}")
    connection.execute("UPDATE meta SET value = ? WHERE key = ?", (str(migrate.VERSION + 1), migrate.LOWEST))
    connection.close()


def _directory(path: Path) -> None:
    path.mkdir()
    (path / "file").write_text("keep me\n")


def _link_to_a_store(path: Path) -> None:
    other = path.with_name("other.db")
    migrate.create(str(other))
    path.symlink_to(other)


def _broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    # A socket's name has room for 108 bytes: bind it where the directory is near.
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(path.parent)
        try:
            bound.bind(path.name)
        finally:
            os.chdir(here)


FOREIGN: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "garbage": (_garbage, "store-corrupt", "is not a valid database"),
    "one byte": (_one_byte, "store-foreign", "another program's database"),
    "zeros": (_zeros, "store-corrupt", "is not a valid database"),
    "an empty file": (_empty, "store-foreign", "is empty"),
    "half a store": (_half_a_store, "store-", ""),
    "another program's database": (_other_programs_database, "store-foreign", "another program's database"),
    "another program's database with a WAL": (_other_programs_wal, "store-foreign", "another program's database"),
    "a newer store": (_newer_store, "store-newer", f"has schema {migrate.VERSION + 1}"),
    "a directory": (_directory, "store-foreign", "is a directory"),
    "a link to a store": (_link_to_a_store, "store-foreign", "is a symbolic link"),
    "a broken link": (_broken_link, "store-foreign", "is a symbolic link"),
    "a FIFO": (_fifo, "store-foreign", "is a FIFO"),
    "a socket": (_socket, "store-foreign", "is not a regular file"),
}


def _everything(directory: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(directory.rglob("*")):
        seen = path.lstat()
        inside: object = path.read_bytes() if stat.S_ISREG(seen.st_mode) else None
        if path.is_symlink():
            inside = os.readlink(path)
        # SQLite makes the -shm of a database anew, whoever opens it: it holds nothing.
        if not path.name.endswith("-shm"):
            found[path.name] = (stat.S_IFMT(seen.st_mode), stat.S_IMODE(seen.st_mode), seen.st_ino, inside)
    return found


@pytest.mark.timeout(20)
@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("what", FOREIGN)
def test_what_stands_in_the_stores_place_is_refused_and_left_as_it_was(
    directory: Path, what: str, create: bool
) -> None:
    make, code, words = FOREIGN[what]
    directory.mkdir()
    make(directory / "agent.db")
    before = _everything(directory)
    with pytest.raises(AgentError) as caught:
        Store.open(str(directory), create=create)
    error = caught.value
    assert error.code.startswith(code) and words in error.message
    assert error.hint and error.exit is Exit.ERROR
    assert _everything(directory) == before


def test_a_store_that_is_too_new_says_how_to_upgrade(directory: Path) -> None:
    directory.mkdir()
    _newer_store(directory / "agent.db")
    with pytest.raises(AgentError, match=r"this git-agent supports only up to \d+") as caught:
        Store.open(str(directory), create=False)
    assert "upgrade git-agent" in caught.value.hint


def test_a_file_where_the_directory_should_be_is_refused(directory: Path) -> None:
    directory.write_text("keep me\n")
    with pytest.raises(AgentError) as caught:
        Store.open(str(directory), create=True)
    assert str(directory) in caught.value.message
    assert directory.read_text() == "keep me\n"


def test_a_store_whose_making_was_killed_is_made_by_the_next_command(directory: Path) -> None:
    results = answer(
        """
        def dying(number):
            migrate._remove = lambda path: None
            migrate.os.link = lambda *_: os._exit(1)
            Store.open(sys.argv[1], create=True)
        pid = os.fork()
        if pid == 0:
            dying(0)
        os.waitpid(pid, 0)
        left = sorted(os.listdir(sys.argv[1]))
        store = Store.open(sys.argv[1], create=True)
        with store.transaction():
            number = add(store, "a").id
        say(json.dumps([left, number]))
        """,
        directory,
    )
    assert results[1] == 1
    assert all(".new-" in name for name in results[0]) and results[0]


def test_two_stores_are_never_mixed_up(tmp_path: Path) -> None:
    first = Store.open(str(tmp_path / "one"), create=True)
    second = Store.open(str(tmp_path / "two"), create=True)
    with first.transaction():
        first.tasks.insert({"name": "a", "name_key": "a", "title": "A", "priority": 2, "base": "main"}, State.OPEN)
    assert ([task.name for task in first.tasks.listing()], second.tasks.listing()) == (["a"], [])
    first.close()
    assert second.tasks.listing() == []
    second.close()
