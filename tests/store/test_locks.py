"""SQLite's locks belong to the process and the file: one library, and no other open of the file, ever.

Closing any descriptor of the database drops all its locks (https://sqlite.org/howtocorrupt.html, section 2.2); another
process then deletes the live WAL, and what is committed after that is lost in silence.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import git_agent
from tests.store.children import ROOT, answer

PACKAGE = Path(git_agent.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
def test_one_sqlite_library_is_in_the_process_whatever_is_imported() -> None:
    found = answer(
        """
        import importlib
        for name in json.loads(sys.argv[1]):
            importlib.import_module(name)
        mark = bytes(reversed(b"\\x003 tamrof etiLQS"))
        files = {words[5] for words in map(str.split, open("/proc/self/maps")) if len(words) > 5}
        with_sqlite = []
        for path in sorted(files):
            try:
                with open(path, "rb") as file:
                    if mark in file.read():
                        with_sqlite.append(path)
            except OSError:
                pass
        loaded = [name for name in ("sqlite3", "_sqlite3", "pysqlite3") if name in sys.modules]
        say(json.dumps([with_sqlite, loaded]))
        """,
        _json(MODULES),
    )
    assert len(found[0]) == 1 and "apsw" in found[0][0], found[0]
    assert found[1] == []


def _json(value: object) -> str:
    import json

    return json.dumps(value)


@pytest.mark.parametrize("first", ["sqlite3", "peewee"])
def test_a_program_that_has_sqlite3_already_keeps_it_and_we_do_not_use_it(tmp_path: Path, first: str) -> None:
    # git_agent.context is a public API: a worker written in Python may have anything imported.
    found = answer(
        f"""
        for name in [n for n in sys.modules if n.partition(".")[0] in ("git_agent", "peewee", "playhouse")]:
            del sys.modules[name]
        import {first}
        before = sys.modules["{first}"]
        from git_agent.store import sqlite
        from git_agent.store.store import Store
        store = Store.open(sys.argv[1], create=True)
        kind = type(store._database.connection()).__module__
        say(json.dumps([kind, sys.modules["{first}"] is before]))
        """,
        tmp_path / "git-agent",
    )
    assert found == ["apsw", True]


@linux
def test_no_function_of_the_store_drops_a_lock(tmp_path: Path) -> None:
    # A reader in the same process holds its locks over every call; /proc/locks is asked after each.
    found = answer(
        """
        from git_agent.domain.message import Draft
        from git_agent.domain.process_id import ProcessId
        from git_agent.store import errors, migrate
        store = Store.open(sys.argv[1], create=True)
        names = [store.path, store.path + "-shm"]

        def held():
            inodes = {str(os.stat(name).st_ino) for name in names}
            words = [line.split() for line in open("/proc/locks")]
            mine = [w for w in words if str(os.getpid()) in w]
            return sum(any(word.rpartition(":")[2] in inodes for word in w) for w in mine)

        with store.transaction():
            task = add(store, "a")
        before, me = held(), ProcessId("h", "b", 1, 1)
        dropped = [] if before else ["nothing is held at all"]
        calls = {
            "open": lambda: Store.open(sys.argv[1], create=True),
            "inspect": lambda: migrate.inspect(store.path),
            "create": lambda: migrate.create(store.path),
            "holder": lambda: errors.write_lock_holder(store.path),
            "now": store.now,
            "wait": lambda: store.wait_for_change(0),
            "long wait": lambda: store.wait_for_change(0.01),
            "listing": store.tasks.listing,
            "ready": lambda: list(store.queue.ready()),
            "last seen": store.last_seen.listing,
            "unfinished": store.tasks.unfinished,
            "put": lambda: store.tasks.put(1, title="B"),
            "parents": lambda: store.tasks.set_parents(1, []),
            "paths": lambda: store.tasks.set_paths(1, ["src"]),
            "lease": lambda: (store.leases.take(1, "claim", 60), store.leases.beat(1, 60), store.leases.of([1])),
            "message": lambda: store.messages.send([Draft("1", "hello", 1)], "@human", verified=True),
            "unread": lambda: store.deliveries.unread(["1"]),
            "about": lambda: (store.messages.of_task(1), store.messages.last_question(1)),
            "seen": lambda: (store.deliveries.see([1], ["1"]), store.deliveries.calling(["1"])),
            "acked": lambda: store.deliveries.acknowledge([1], ["1"]),
            "intent": lambda: store.intents.end(store.intents.write("spawn", 1, me, {})),
            "attempt": lambda: store.attempts.add(1, 1, 1, "b", "o", adopted=False),
            "fact": lambda: (store.meta.put("k", "v"), store.meta.get("k")),
            "append": lambda: store.events.append("task.noted", "Ada", task=1),
            "events": lambda: (store.events.of_task(1), store.events.last_change(1)),
            "move": lambda: store.tasks.move(store.tasks.get(1), after(State.OPEN, None, Step.CANCEL), "Ada"),
        }
        for name, call in calls.items():
            if name == "open":
                other = call()
                after_it = held()
                other.close()
                store = Store.open(sys.argv[1], create=False)
            else:
                with store.transaction():
                    call()
                after_it = held()
            if after_it < before:
                dropped.append(name)
        say(json.dumps(dropped))
        """,
        tmp_path / "git-agent",
    )
    assert found == []


def test_only_sqlite_opens_files_in_the_store_package() -> None:
    # os.open of a name of our own choosing (O_EXCL) and of directories is harmless; so is /proc.
    opens = set()
    for path in sorted((PACKAGE / "store").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                called, first = ast.unparse(node.func), ast.unparse(node.args[0]) if node.args else ""
                if called in ("open", "io.open", "os.open") or called.rpartition(".")[2] in (
                    *("read_bytes", "read_text", "write_bytes", "write_text", "copy", "copy2", "copyfile", "touch"),
                ):
                    opens.add((path.relative_to(ROOT).as_posix(), called, first))
    assert {where for where in opens if where[1] != "open" or "/proc" not in where[2]} == {
        ("git_agent/store/sqlite.py", "os.open", "os.path.dirname(path)"),
        ("git_agent/store/errors.py", "open", "path"),  # of /proc, see write_lock_holder
        ("git_agent/store/migrate.py", "os.open", "temporary"),
        ("git_agent/store/migrate.py", "os.open", "directory"),
    }
