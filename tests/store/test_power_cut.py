"""The power goes at any moment: what was acknowledged is there afterwards, whole.

A VFS of APSW logs each write and each sync of a store that works. From the log come the images a disk may hold after
a cut: what was synced is there; of what was not some is lost, whatever was written later, and some is written in part:
its beginning, or any of its sectors (512 bytes are whole). The long form cuts after each write and each sync.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

from git_agent.domain.task import State, Step, after
from git_agent.store import sqlite
from git_agent.store.store import Store

SECTOR = 512
CHANGES = 60
CUTS = 40  # of each kind


class Entry(NamedTuple):
    """What happened to a file: write, cut, sync or delete; or `ack`: so many changes were acknowledged."""

    what: str
    name: str
    at: int
    data: bytes = b""


class LoggedFile(apsw.VFSFile):
    def __init__(self, log: list[Entry], name: Any, flags: list[int]) -> None:
        self.log = log
        self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self.log.append(Entry("write", self.name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self.log.append(Entry("cut", self.name, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self.log.append(Entry("sync", self.name, 0))


class LoggedDisk(apsw.VFS):
    def __init__(self, log: list[Entry]) -> None:
        self.log = log
        super().__init__("logged", "")

    def xOpen(self, name: Any, flags: list[int]) -> LoggedFile:  # noqa: N802
        return LoggedFile(self.log, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
        self.log.append(Entry("delete", Path(name).name, 0))
        super().xDelete(name, sync)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Entry]]:
    """Return what the disk was asked to do while a store made CHANGES changes, each acknowledged."""
    directory = tmp_path_factory.mktemp("power") / "git-agent"
    Store.open(str(directory), create=True).close()
    before = (directory / "agent.db").read_bytes()
    entries = [Entry("write", "agent.db", 0, before), Entry("sync", "agent.db", 0), Entry("ack", "", 0)]
    disk = LoggedDisk(entries)
    real = apsw.Connection
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite.apsw, "Connection", lambda name, flags: real(name, flags=flags, vfs="logged"))
        store = Store.open(str(directory), create=False)
        store._database.rows("PRAGMA wal_autocheckpoint = 20")  # cuts fall into checkpoints too
        for number in range(CHANGES):
            with store.transaction():
                _change(store, number)
            entries.append(Entry("ack", "", number + 1))
        store.close()
    yield entries
    disk.unregister()


def _change(store: Store, number: int) -> None:
    name = f"t{number}"
    values = {"name": name, "name_key": name, "title": "T", "priority": 2, "base": "main", "body": "x" * 400}
    task = store.tasks.insert(values, State.OPEN)
    cancel = after(State.OPEN, None, Step.CANCEL)
    assert cancel is not None
    store.tasks.move(task, cancel, "Ada")


def _survives(kind: str, chance: random.Random) -> float:
    """Say how much of a write that was not synced reaches the disk: 0 nothing, 1 all, else in part."""
    if kind == "nothing":
        return 0.0
    if kind == "some":
        return float(chance.random() < 0.5)
    return chance.choice([0.0, 1.0, chance.random()])


def _sectors(entry: Entry, share: float, chance: random.Random | None) -> list[int]:
    """Say where in a write the sectors begin that reach the disk: the first ones, or any."""
    every = list(range(0, len(entry.data), SECTOR))
    if share == 1.0:
        return every
    if chance is not None:
        return [at for at in every if chance.random() < share]
    return [at for at in every if at + SECTOR <= int(len(entry.data) * share)]


def _cuts(log: list[Entry], kind: str, every: bool) -> list[int]:
    """Choose how much of the log happens before the cut: all there is, or as much as some sync, or as anything."""
    places = list(range(3, len(log) + 1))
    if every:
        return places
    syncs = [n for n in places if "sync" in (log[n - 1].what, log[min(n, len(log) - 1)].what)]
    chance = random.Random(f"cuts {kind}")
    return chance.sample(syncs, CUTS // 2) + chance.sample(places, CUTS // 2)


def _image(entries: list[Entry], kind: str, chance: random.Random) -> dict[str, bytearray]:
    synced = {entry.name: number for number, entry in enumerate(entries) if entry.what == "sync"}
    files: dict[str, bytearray] = {}
    for number, entry in enumerate(entries):
        if entry.what in ("sync", "ack"):
            continue
        share = 1.0 if number < synced.get(entry.name, -1) else _survives(kind, chance)
        if entry.what == "delete":
            if share == 1.0:
                files.pop(entry.name, None)
        elif entry.what == "cut":
            if share == 1.0:
                del files.setdefault(entry.name, bytearray())[entry.at :]
        else:
            content = files.setdefault(entry.name, bytearray())
            for at in _sectors(entry, share, chance if kind == "sectors" else None):
                data = entry.data[at : at + SECTOR]
                content.extend(b"\0" * (entry.at + at + len(data) - len(content)))
                content[entry.at + at : entry.at + at + len(data)] = data
    return {name: content for name, content in files.items() if not name.endswith("-shm")}


def test_nothing_of_a_change_waits_for_the_disk_when_it_is_acknowledged(log: list[Entry]) -> None:
    waiting = 0
    for entry in log[3:]:
        if entry.what == "ack":
            assert waiting == 0, f"change {entry.at} was acknowledged before its WAL was synced"
        elif entry.name == "agent.db-wal":
            waiting = 0 if entry.what == "sync" else waiting + 1


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["nothing", "some", "torn", "sectors"])
def test_a_power_cut_loses_nothing_that_was_acknowledged(
    log: list[Entry], tmp_path: Path, kind: str, every_step: bool
) -> None:
    chance = random.Random(kind)
    lost = []
    for cut in _cuts(log, kind, every_step):
        entries = log[:cut]
        acknowledged = max(entry.at for entry in entries if entry.what == "ack")
        directory = tmp_path / str(cut)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, content in _image(entries, kind, chance).items():
            (directory / name).write_bytes(content)
        store = Store.open(str(directory), create=False)
        store._database.rows("PRAGMA synchronous = OFF")
        rows = store.tasks.listing()
        assert store._database.rows("PRAGMA integrity_check") == [("ok",)]
        assert store._database.rows("PRAGMA foreign_key_check") == []
        assert [row.name for row in rows] == [f"t{n}" for n in range(len(rows))]  # the first so many, without a gap
        assert {row.state for row in rows} <= {State.CANCELLED}
        assert [event.task for event in store.events.of_task(None)] == [row.id for row in rows]
        if len(rows) < acknowledged:
            lost.append((len(entries), acknowledged, len(rows)))
        store.close()
        shutil.rmtree(directory)
    assert lost == []
