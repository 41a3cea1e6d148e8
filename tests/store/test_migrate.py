"""An older store is brought up to date once, whoever comes first; nobody sees it half done."""

from __future__ import annotations

import importlib
from pathlib import Path

import apsw
import pytest

from git_agent.domain.task import Hold
from git_agent.errors import AgentError
from git_agent.store import migrate
from git_agent.store.sqlite import is_sound
from git_agent.store.store import Store
from tests.store.children import answer, run
from tests.store.conftest import Add

# A later program: one more migration, one that a second run of it would fail.
LATER = """
import types
later = types.ModuleType("later")
later.STATEMENTS = ("ALTER TABLE task ADD COLUMN colour TEXT", "UPDATE task SET colour = 'blue'")
sys.modules["git_agent.store.migrations.m9999_colour"] = later
migrate.MIGRATIONS = (*migrate.MIGRATIONS, "m9999_colour")
migrate.VERSION = len(migrate.MIGRATIONS)
"""
A_TASK = (
    "INSERT INTO task (name, name_key, title, body, state, hold, priority, base, branch, attempt, epoch, version,"
    " unresolved, worked, created_at, state_at)"
    " VALUES ('a', 'a', 'A', '', 'WORKING', 'no_commits', 2, 'main', 'agent/1-a', 1, 1, 1, 0, 0, 1, 1)"
)


def test_the_numbers_of_the_migrations_are_their_order() -> None:
    assert [int(name[1:5]) for name in migrate.MIGRATIONS] == list(range(1, migrate.VERSION + 1))
    files = sorted(path.stem for path in Path(migrate.__file__).with_name("migrations").glob("m*.py"))
    assert tuple(files) == migrate.MIGRATIONS


def test_sixteen_processes_at_once_migrate_a_store_once(directory: Path, store: Store, add: Add) -> None:
    add("old")
    results = answer(
        LATER
        + """
        def work(number):
            store = Store.open(sys.argv[1], create=bool(number % 2))
            rows = store._database.rows("SELECT colour FROM task")
            version = store._database.rows("PRAGMA user_version")[0][0]
            return [rows, version]
        say(json.dumps(at_once(16, work)))
        """.replace("\n        ", "\n"),
        directory,
    )
    assert results == [[[["blue"]], migrate.VERSION + 1]] * 16


BREAKS = """
later.STATEMENTS = (*later.STATEMENTS, f"UPDATE meta SET value = '{migrate.VERSION}' WHERE key = '{migrate.LOWEST}'")
"""


def test_an_older_program_goes_on_with_a_newer_store_that_lets_it(directory: Path, store: Store, add: Add) -> None:
    add("old")
    store.close()
    run(LATER + "Store.open(sys.argv[1], create=False)", directory)
    for examines in (False, True):
        again = Store.open(str(directory), create=False, examines=examines)
        assert [task.name for task in again.tasks.listing()] == ["old"]
        again.close()
    add("new")
    assert [task.name for task in store.tasks.listing()] == ["old", "new"]


def test_an_older_program_refuses_a_newer_store_that_does_not(directory: Path, store: Store, add: Add) -> None:
    add("old")
    store.close()
    run(LATER + BREAKS + "Store.open(sys.argv[1], create=False)", directory)
    for examines in (False, True):
        with pytest.raises(AgentError) as caught:
            Store.open(str(directory), create=True, examines=examines)
        assert caught.value.code == "store-newer" and "upgrade git-agent" in caught.value.hint


@pytest.mark.parametrize("change", ["DELETE FROM meta", "UPDATE meta SET value = 'x' WHERE key = 'lowest-schema'"])
def test_a_newer_store_that_does_not_say_who_may_write_is_refused(directory: Path, store: Store, change: str) -> None:
    store.sql(change)
    store.sql(f"PRAGMA user_version={migrate.VERSION + 1}")
    store.close()
    with pytest.raises(AgentError) as caught:
        Store.open(str(directory), create=True)
    assert caught.value.code == "store-newer"


@pytest.mark.rest
@pytest.mark.parametrize("hold", list(Hold))
def test_a_store_of_every_age_learns_every_hold_and_no_other(directory: Path, hold: Hold) -> None:
    directory.mkdir(exist_ok=True)
    for before in range(1, migrate.VERSION + 1):
        path = directory / "agent.db"
        path.unlink(missing_ok=True)
        old = apsw.Connection(str(path))
        for name in migrate.MIGRATIONS[:before]:
            for statement in importlib.import_module(f"git_agent.store.migrations.{name}").STATEMENTS:
                old.execute(statement)
        old.execute(f"PRAGMA application_id={migrate.APPLICATION_ID}; PRAGMA user_version={before}")
        old.execute(A_TASK)
        store = Store.open(str(directory), create=False)
        old.execute("UPDATE task SET hold = ?", (hold,))  # who has it open sees it
        assert [t.hold for t in store.tasks.listing()] == [hold]
        with pytest.raises(apsw.ConstraintError):
            old.execute("UPDATE task SET hold = 'bored'")
        old.close()
        store.close()


def test_a_migration_that_fails_or_is_killed_changes_nothing(directory: Path, store: Store, add: Add) -> None:
    add("old")
    store.close()
    for ending in ("'NO SQL AT ALL'", "'SELECT die()'"):
        code = f"""
later.STATEMENTS = (*later.STATEMENTS, {ending})
class Dying(sqlite.Database):
    def _open(self, *args, **named):
        connection = super()._open(*args, **named)
        connection.create_scalar_function("die", lambda: os.kill(os.getpid(), signal.SIGKILL))
        return connection
import git_agent.store.store
git_agent.store.store.Database = Dying
Store.open(sys.argv[1], create=False)
"""
        with pytest.raises(AssertionError, match=r"exit (1|-9)"):
            run(LATER + code, directory)
    again = Store.open(str(directory), create=False)
    assert [task.name for task in store.tasks.listing()] == ["old"]
    columns = again._database.rows("PRAGMA table_info(task)")
    assert "colour" not in [column[1] for column in columns]
    again.close()
    run(LATER + "Store.open(sys.argv[1], create=False)", directory)


def test_the_file_is_marked_as_ours(directory: Path, store: Store) -> None:
    store.close()
    connection = apsw.Connection(str(directory / "agent.db"))
    assert connection.execute("PRAGMA application_id").fetchall() == [(0x67616701,)]
    assert connection.execute("PRAGMA user_version").fetchall() == [(migrate.VERSION,)]
    connection.close()


@pytest.mark.parametrize(
    ("version", "sound"),
    [
        ((3, 7, 0), False),
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_the_library_versions_with_the_wal_reset_bug_are_known(version: tuple[int, ...], sound: bool) -> None:
    assert is_sound(version) is sound


def test_the_library_in_use_is_sound() -> None:
    assert is_sound(tuple(map(int, apsw.sqlite_lib_version().split("."))))


def test_a_library_with_the_bug_is_refused_before_it_touches_anything(directory: Path) -> None:
    refused = answer(
        """
        sqlite.apsw.sqlite_lib_version = lambda: "3.51.2"
        say(json.dumps([tried(lambda: Store.open(sys.argv[1], create=True)), os.path.exists(sys.argv[1])]))
        """,
        directory,
    )
    assert refused[0][0] == "sqlite-unsound" and "SQLite 3.51.2" in refused[0][2] and "apsw" in refused[0][3]
    assert refused[1] is False


def test_an_older_store_learns_that_a_task_can_be_stopped_and_forgets_nothing(directory: Path) -> None:
    """The third migration changes a CHECK in place: rows stay, the other checks go on, who has it open sees it."""
    path = str(directory / "agent.db")
    directory.mkdir(exist_ok=True)
    old = apsw.Connection(path)
    old.execute("PRAGMA journal_mode=WAL")
    for name in migrate.MIGRATIONS[:2]:
        for statement in importlib.import_module(f"git_agent.store.migrations.{name}").STATEMENTS:
            old.execute(statement)
    old.execute(f"PRAGMA application_id={migrate.APPLICATION_ID}; PRAGMA user_version=2")
    old.execute(A_TASK)
    store = Store.open(str(directory), create=False)
    assert [(t.name, t.hold) for t in store.tasks.listing()] == [("a", "no_commits")]
    old.execute("UPDATE task SET hold = 'stopped'")
    with pytest.raises(apsw.ConstraintError):
        old.execute("UPDATE task SET hold = 'bored'")
    assert old.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    old.close()
    store.close()
