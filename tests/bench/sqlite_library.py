"""Measure which SQLite library peewee should drive; docs/decisions/0001-sqlite-library.md quotes it.

Run `python -m tests.bench.sqlite_library`, all or some of: maps locks start cost kill fair full. Compares the
interpreter's sqlite3, pysqlite3 (if installed) and APSW, each in its own process (a child_ function takes
library, scratch folder, number), in interleaved rounds, so that a noisy machine disturbs all alike. `full`
needs `--small DIR`, a file system of one megabyte: as root, `unshare -m sh -c 'mount -t tmpfs -o size=1m none
/mnt && python -m tests.bench.sqlite_library full --small /mnt'`. Linux only.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, pairwise
from pathlib import Path
from typing import Any

ALL = [name for name in ("sqlite3", "pysqlite3", "apsw") if importlib.util.find_spec(name)]
BLOCKED = {"sqlite3": ("pysqlite3",), "pysqlite3": ("sqlite3",), "apsw": ("sqlite3", "pysqlite3")}
UNGUARDED = ["apsw, no guard", "peewee's choice"]
SCHEMA = """CREATE TABLE counter (n INTEGER NOT NULL); INSERT INTO counter VALUES (0);
CREATE TABLE entry (writer INTEGER, seq INTEGER, body TEXT, PRIMARY KEY (writer, seq))"""
STOCK, FOREVER = " stock", float("inf")


def _import_code(library: str) -> str:
    names = [f"sys.modules[{name!r}]" for name in BLOCKED.get(library, ())]
    source = "playhouse.apsw_ext import APSWDatabase" if "apsw" in library else "peewee import SqliteDatabase"
    block, free = "".join(f"{name} = None; " for name in names), "".join(f"del {name}; " for name in names)
    return f"import sys; {block}from {source} as cls; {free}"


def _database_class(library: str, **space: Any) -> Any:
    exec(_import_code(library.removesuffix(STOCK)), space)
    return space["cls"]


def _open(cls: Any, path: str, fair: bool = True, checkpoint: int = 1000) -> Any:
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": checkpoint}
    db = cls(path, timeout=30, pragmas=pragmas)
    db.connect()
    if fair and hasattr(db.connection(), "set_busy_handler"):
        db.connection().set_busy_handler(_wait_a_little)
    return db


def _wait_a_little(tries: int) -> bool:
    time.sleep(random.uniform(0.0005, 0.004))
    return tries < 13_000  # about 30 s


def _create(library: str, folder: str) -> tuple[Any, str]:
    cls, path = _database_class(library), f"{folder}/agent.db"
    db = _open(cls, path)
    for statement in SCHEMA.split(";"):
        db.execute_sql(statement)
    db.close()
    return cls, path


def _write(db: Any, writer: int, seq: int) -> None:
    with db.atomic("IMMEDIATE"):
        n = db.execute_sql("SELECT n FROM counter").fetchone()[0]
        db.execute_sql("UPDATE counter SET n = ? WHERE n = ?", (n + 1, n))
        db.execute_sql("INSERT INTO entry VALUES (?, ?, ?)", (writer, seq, "x" * 200))


def _one(db: Any, statement: str) -> Any:
    return db.execute_sql(statement).fetchone()[0]


def child_maps(library: str, folder: str, _: int) -> dict[str, Any]:
    """Name the mapped files that contain SQLite, and the version that peewee's connection reports."""
    db = _open(_database_class(library), f"{folder}/maps.db")
    words = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    found = {"/".join(Path(w).parts[-2:]) for w in words if ".so" in w and b"SQLite format 3\0" in Path(w).read_bytes()}
    return {"version": _one(db, "SELECT sqlite_version()"), "mapped": sorted(found)}


def child_cost(library: str, folder: str, number: int) -> dict[str, list[float]]:
    """Time write transactions on a held connection, then open + write + close; milliseconds each."""
    cls, path = _create(library, folder)
    db = _open(cls, path)
    held = _timed(number, lambda i: _write(db, 0, i))
    db.close()
    return {"held tx": held, "open+tx+close": _timed(number // 4, lambda i: _visit(cls, path, i))}


def _timed(number: int, work: Callable[[int], None]) -> list[float]:
    marks = [time.perf_counter()]
    for i in range(number):
        work(i)
        marks.append(time.perf_counter())
    return [(after - before) * 1000 for before, after in pairwise(marks)]


def _visit(cls: Any, path: str, seq: int) -> None:
    db = _open(cls, path)
    _write(db, 1, seq)
    db.close()


def _work(cls: Any, path: str, writer: int, start: float, end: float, fair: bool) -> None:
    acks = os.open(f"{path}.acks", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    db, seq = _open(cls, path, fair, checkpoint=40 if end == FOREVER else 1000), 0
    time.sleep(max(0.0, start - time.monotonic()))
    while (before := time.monotonic()) < end:
        _write(db, writer, seq)
        os.write(acks, f"{writer} {seq} {time.monotonic() - before}\n".encode())
        seq += 1
    db.close()


def _started(*args: Any) -> Any:
    process = multiprocessing.get_context("fork").Process(target=_work, args=args)
    process.start()
    return process


def _check(cls: Any, path: str) -> tuple[dict[str, Any], list[list[str]]]:
    db, told = _open(cls, path), [line.split() for line in Path(f"{path}.acks").read_text().splitlines()]
    found = {tuple(row) for row in db.execute_sql("SELECT writer, seq FROM entry").fetchall()}
    lost = {(int(writer), int(seq)) for writer, seq, _ in told} - found
    right = _one(db, "SELECT n FROM counter") == len(found) and _one(db, "PRAGMA integrity_check") == "ok"
    return {"commits": len(found), "lost": len(lost), "right": right}, told


def child_fair(library: str, folder: str, number: int) -> dict[str, Any]:
    """Let `number` processes write for 5 s, waiting by short random sleeps or, stock, by SQLite's timeout."""
    cls, path = _create(library, folder)
    start, fair = time.monotonic() + 0.5 + number / 40, not library.endswith(STOCK)
    started = [_started(cls, path, writer, start, start + 5, fair) for writer in range(number)]
    failed = sum(process.join() or process.exitcode != 0 for process in started)
    took, (result, told) = time.monotonic() - start, _check(cls, path)
    counts = Counter(writer for writer, _, _ in told)
    shares = [counts[str(writer)] for writer in range(number)]
    longest = round(max(float(wait) for _, _, wait in told), 2)
    result |= {"failed": failed, "low": min(shares), "high": max(shares)}
    return {"tx/s": len(told) // took, "max s": longest, **result}


def child_kill(library: str, folder: str, number: int) -> dict[str, Any]:
    """Kill -9 writers `number` times, every tenth time all 8 at once; count lost acknowledged commits."""
    cls, path = _create(library, folder)
    alive, killed, failed, names = list[Any](), 0, 0, count()
    while killed < number:
        alive += [_started(cls, path, next(names), 0, FOREVER, True) for _ in range(8 - len(alive))]
        time.sleep(random.uniform(0.02, 0.12))
        for victim in list(alive) if killed % 10 == 9 or killed >= number - 8 else [random.choice(alive)]:
            victim.kill()
            victim.join()
            alive.remove(victim)
            killed, failed = killed + 1, failed + (victim.exitcode != -9)
    return {"kills": killed, "failed": failed, **_check(cls, path)[0]}


def child_full(library: str, folder: str, _: int) -> dict[str, Any]:
    """Fill the disk inside atomic(), while inserting and while committing; return the errors seen."""
    (cls, path), seen = _create(library, folder), dict[str, Any]()
    for when, rows in (("inserting", 100_000), ("committing", 300)):
        db = _open(cls, path)
        try:
            with db.atomic("IMMEDIATE"):
                for seq in range(rows):
                    db.execute_sql("INSERT INTO entry VALUES (1, ?, ?)", (seq, "x" * 4000))
        except Exception as error:
            seen[when] = f"{type(error).__name__}: {error}"
        seen[f"rows after {when}"] = _one(db, "SELECT count(*) FROM entry")
        db.close()
    return {**seen, "integrity": _one(_open(cls, path), "PRAGMA integrity_check")}


def _locks(path: str) -> int:
    inodes = {str(file.stat().st_ino) for file in (Path(path), Path(path + "-shm")) if file.exists()}
    mine = [line.split() for line in Path("/proc/locks").read_text().splitlines() if "->" not in line]
    return sum(1 for f in mine if f[4] == str(os.getpid()) and f[5].split(":")[2] in inodes)


def child_locks(library: str, folder: str, _: int) -> dict[str, Any]:
    """Open the file with the same, then with another library beside a held connection; count locks."""
    cls, path = _create(library, folder)
    held = _open(cls, path)
    _write(held, 0, 0)
    counts = [_locks(path)]
    _open(cls, path).close()
    counts.append(_locks(path))
    second = importlib.import_module("pysqlite3.dbapi2" if library == "sqlite3" else "sqlite3").connect(path)
    second.execute("SELECT * FROM counter").fetchall()
    second.close()
    counts.append(_locks(path))
    child("count", library, folder, 0)  # any other process: open, read, close
    _write(held, 0, 1)
    lost = _one(held, "SELECT n FROM counter") - child("count", library, folder, 0)
    return {"locks alone, same library closed, other library closed": counts, "commits lost": lost}


def child_count(library: str, folder: str, _: int) -> int:
    """Open, read the counter, close."""
    with closing(_open(_database_class(library), f"{folder}/agent.db")) as db:
        return int(_one(db, "SELECT n FROM counter"))


def child(measure: str, library: str, folder: str, number: int) -> Any:
    """Run one measurement in a new process and return its JSON."""
    module = [sys.executable, "-m", "tests.bench.sqlite_library"]
    command = [*module, "--child", measure, library, folder, str(number)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def _rounds(one: Callable[..., Any], names: list[str], rounds: int, root: str) -> Iterator[tuple[str, Any]]:
    for _ in range(rounds):
        for name in random.sample(names, len(names)):
            with tempfile.TemporaryDirectory(dir=root) as folder:
                yield name, one(name, folder)


def _print_times(one: Callable[[str, str], Any], libraries: list[str], options: argparse.Namespace) -> None:
    found: dict[str, list[dict[str, list[float]]]] = {name: [] for name in libraries}
    for library, got in _rounds(one, libraries, options.rounds, options.dir):
        found[library].append(got)
    for kind, name in ((kind, name) for kind in found[ALL[-1]][0] for name in libraries):
        pairs = zip(found[name], found[ALL[-1]], strict=True)
        ratios = [statistics.median(mine[kind]) / statistics.median(last[kind]) for mine, last in pairs]
        every = [value for got in found[name] for value in got[kind]]
        print(f"  {kind:13} {name:15} ms {_spread(every)} | / {ALL[-1]} {_spread(ratios)}")


def _spread(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} (quartiles {low:.2f}-{high:.2f}, max {max(values):.2f})"


USE = """import click, time; t = time.perf_counter()
db = cls({!r}, pragmas={{"journal_mode": "wal", "synchronous": 2}}); db.connect()
db.execute_sql("SELECT count(*) FROM sqlite_master").fetchone(); db.close()
print((time.perf_counter() - t) * 1000)"""


def _start(library: str, folder: str) -> dict[str, list[float]]:
    code, before = f"{_import_code(library)}\n{USE.format(folder + '/start.db')}", time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    return {"process": [(time.perf_counter() - before) * 1000], "open..close": [float(done.stdout)]}


def _print_all(measure: str, names: list[str], number: int, root: str, rounds: int = 1) -> None:
    for name, got in _rounds(lambda name, folder: child(measure, name, folder, number), names, rounds, root):
        print(f"  {name:15} {json.dumps(got)}", flush=True)


def _measure(name: str, options: argparse.Namespace) -> None:
    print(name, flush=True)
    if name == "start":
        _print_times(_start, ALL + UNGUARDED, options)
    elif name == "cost":
        _print_times(lambda library, folder: child("cost", library, folder, 100), ALL, options)
    elif name == "fair":
        for number in (16, 64):
            print(f" {number} processes")
            _print_all(name, [n + STOCK for n in ALL] + ALL[1:], number, options.dir, options.rounds // 7)
    elif name != "full" or options.small:
        names = ALL + UNGUARDED if name == "maps" else ALL
        _print_all(name, names, 200, options.small if name == "full" else options.dir)


def main() -> None:
    """Run the named measurements, or all."""
    if sys.argv[1:2] == ["--child"]:
        measure, library, folder, number = sys.argv[2:]
        print(json.dumps(globals()[f"child_{measure}"](library, folder, int(number))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*")
    parser.add_argument("--rounds", type=int, default=21, help="of start and cost, 2 or more; fair: a seventh")
    parser.add_argument("--dir", default=tempfile.gettempdir(), help="on the disk to measure, no tmpfs")
    parser.add_argument("--small", default="", help="file system of one megabyte, for `full`")
    options = parser.parse_args()
    for name in options.measures or ["maps", "locks", "start", "cost", "kill", "fair", "full"]:
        _measure(name, options)


if __name__ == "__main__":
    main()
