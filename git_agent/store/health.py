"""How the store itself is: SQLite's own checks, modes, journal, locks; and small repairs."""

from __future__ import annotations

import os
import stat
from typing import Any, NamedTuple

from git_agent.domain.process_id import ProcessId
from git_agent.store import faults, migrate
from git_agent.store.engine import NOW_MS
from git_agent.store.schema import TABLES, database

_MOST = 20  # lines of damage; one is enough to know
_INTEGER = "'integer'"
_KINDS = {"TEXT": "'text'"}  # of columns; all others are integers
_INDEX = ("missing from index", "wrong # of entries in index")
# Rows that can go when what they belong to is gone: table, its key, the column that leads there, the table it is in.
_HANGING = {
    "task_dep": ("task", "parent"),
    "lease": ("task",),
    "path_claim": ("task", "pathspec"),
    "delivery": ("message", "recipient"),
}


class Dangling(NamedTuple):
    """A row whose parent is gone. values: all of it, by column; key: what names it, none where it must stay."""

    table: str
    parent: str
    values: dict[str, Any]
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name the row: `lease task=7`."""
        shown = self.key or tuple(name for name in ("id", "task", "number") if name in self.values)
        return " ".join([self.table, *(f"{name}={self.values[name]}" for name in shown)])


class Journal(NamedTuple):
    """How the database is kept. mode: its journal; kind: of file system, "" if unknown; remote: no WAL there."""

    mode: str
    kind: str
    remote: bool


def files(directory: str) -> list[str]:
    """List what belongs to the database in the store's directory, the database first; none where it is not a file."""
    path = os.path.join(directory, "agent.db")
    return [name for end in ("", "-wal", "-shm", "-journal") if _is_plain(path) and os.path.lexists(name := path + end)]


def wrong_modes(directory: str) -> list[tuple[str, int, int]]:
    """List directory and files that others may enter or read: path, mode, and the mode it should have."""
    wanted = [(directory, 0o700), *((path, 0o600) for path in files(directory) if _is_plain(path))]
    modes = [(path, stat.S_IMODE(os.stat(path).st_mode), mode) for path, mode in wanted]
    return [(path, held, mode) for path, held, mode in modes if held & 0o077]


def _is_plain(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)


def names(directory: str) -> int:
    """Count the names that the database has: hard links."""
    return os.lstat(os.path.join(directory, "agent.db")).st_nlink


def wal_size(directory: str) -> int:
    """Measure the write-ahead log in bytes, 0 without one."""
    try:
        return os.stat(os.path.join(directory, "agent.db-wal")).st_size
    except FileNotFoundError:
        return 0


def stopped_writer(directory: str) -> str | None:
    """Name the process that holds the write lock and is stopped; None when there is none, or it can't be known."""
    holder = faults.write_lock_holder(os.path.join(directory, "agent.db"))
    return holder if holder is not None and holder.endswith("stopped") else None


def complaints() -> tuple[list[str], list[str]]:
    """Run SQLite's integrity check; return what it says of indexes alone, and what it says of the rest."""
    lines = [str(row[0]) for row in database.rows(f"PRAGMA integrity_check({_MOST})", ()) if row[0] != "ok"]
    index = [line for line in lines if any(words in line for words in _INDEX)]
    return index, [line for line in lines if line not in index]


def mistyped() -> list[tuple[str, str, str]]:
    """List values that are not of their column's type: table, column, condition that finds the row. A query a table."""
    found = []
    for table in (row._meta.table_name for row in TABLES):
        columns = database.rows(f"PRAGMA table_info({table})", ())
        keys = ", ".join(f"quote({each[1]})" for each in columns if each[5])
        wrong = {each[1]: f"typeof({each[1]}) NOT IN ({_KINDS.get(each[2], _INTEGER)}, 'null')" for each in columns}
        query = f"SELECT {', '.join(wrong.values())}, {keys} FROM {table} WHERE {' OR '.join(wrong.values())}"
        names = [each[1] for each in columns if each[5]]
        for row in database.rows(f"{query} LIMIT {_MOST}", ()):
            where = " AND ".join(f"{name} = {key}" for name, key in zip(names, row[len(wrong) :], strict=True))
            found += [(table, name, where) for name, flag in zip(wrong, row, strict=False) if flag]
    return found


def dangling() -> list[Dangling]:
    """List the rows that name a task, message or session which is not there."""
    found = []
    for table, parent in dict.fromkeys((row[0], row[2]) for row in database.rows("PRAGMA foreign_key_check", ())):
        found += _dangling(table, parent)
    return found


def _dangling(table: str, parent: str) -> list[Dangling]:
    columns, lost = [row[1] for row in database.rows(f"PRAGMA table_info({table})", ())], []
    for where in _leads_nowhere(table, parent):
        lost += database.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", ())
    return [Dangling(table, parent, dict(zip(columns, row, strict=True)), _HANGING.get(table, ())) for row in lost]


def _leads_nowhere(table: str, parent: str) -> list[str]:
    keys = database.rows(f"PRAGMA foreign_key_list({table})", ())
    columns = [(source, target) for _, _, other, source, target, *_ in keys if other == parent]
    return [f"({at} IS NOT NULL AND {at} NOT IN (SELECT {to} FROM {parent}))" for at, to in columns]


def hangs(row: Dangling) -> bool:
    """Tell whether a row is there as it was read and its parent is not."""
    where = f"{_is(row)} AND ({' OR '.join(_leads_nowhere(row.table, row.parent))})"
    return bool(database.rows(f"SELECT 1 FROM {row.table} WHERE {where}", tuple(row.values.values())))


def _is(row: Dangling) -> str:
    return " AND ".join(f"{name} IS ?" for name in row.values)


def delete(row: Dangling) -> bool:
    """Delete a row, if it is as it was read; call it in a transaction. Returns whether it was."""
    database.rows(f"DELETE FROM {row.table} WHERE {_is(row)}", tuple(row.values.values()))
    return bool(database.rows("SELECT changes()", ())[0][0])


def put_back(table: str, values: dict[str, Any]) -> None:
    """Insert a row that was deleted; call it in a transaction. Raises peewee.IntegrityError where it does not fit."""
    if table not in _HANGING:
        raise ValueError(f"no rows of {table} are ever deleted")
    marks = ", ".join("?" * len(values))
    database.execute_sql(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", tuple(values.values()))


def journal(directory: str) -> Journal:
    """Read the journal mode, and whether the file system can do what WAL needs."""
    kind = migrate.file_system(directory)
    return Journal(str(database.rows("PRAGMA journal_mode", ())[0][0]), kind, migrate.is_remote(kind))


def set_journal(mode: str) -> str:
    """Change the journal mode (wal or delete); return the mode it has then: others may have the database open."""
    return str(database.rows(f"PRAGMA journal_mode={'WAL' if mode == 'wal' else 'DELETE'}", ())[0][0])


def checkpoint() -> bool:
    """Write the write-ahead log into the database and cut it off. Returns whether all was: who reads it keeps it."""
    return not database.rows("PRAGMA wal_checkpoint(TRUNCATE)", ())[0][0]


def reindex() -> None:
    """Build all indexes anew from the rows."""
    database.rows("REINDEX", ())


def named_locks() -> list[tuple[str, int, ProcessId, int]]:
    """List the named locks that are held: name, fence, holder, and for how long, ms."""
    query = "SELECT name, fence, host, boot_id, pid, pid_start, taken_at FROM lock WHERE host IS NOT NULL"
    (now,) = database.rows(f"SELECT {NOW_MS.sql}", ())[0]
    return [(name, fence, ProcessId(*owner), now - at) for name, fence, *owner, at in database.rows(query, ())]


def row(table: str, task: int) -> dict[str, Any]:
    """Read a task's row of a table that has one for each."""
    if table not in _HANGING:
        raise ValueError(f"no rows of {table} are ever deleted")
    columns = [each[1] for each in database.rows(f"PRAGMA table_info({table})", ())]
    ((*values,),) = database.rows(f"SELECT {', '.join(columns)} FROM {table} WHERE task = ?", (task,))
    return dict(zip(columns, values, strict=True))
