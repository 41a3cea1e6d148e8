"""The state of the store itself (SQLite's own checks, journal, locks), and small repairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from git_agent.domain.process_id import ProcessId
from git_agent.record import Record
from git_agent.store import errors, migrate
from git_agent.store.sql import NOW

if TYPE_CHECKING:
    from git_agent.store.store import Store

_MOST = 20  # lines of damage; one proves it
_KINDS = {"TEXT": "text"}  # types of columns; all others are integers
_INDEX = ("missing from index", "wrong # of entries in index")
# Tables whose rows can be deleted when their parent is gone, each with the columns that identify a row.
_HANGING = {
    "task_dep": ("task", "parent"),
    "lease": ("task",),
    "path_claim": ("task", "pathspec"),
    "delivery": ("message", "recipient"),
}


class Dangling(Record):
    """A row whose parent is gone.

    values: the whole row, by column
    key: the columns that identify it; empty if the row must stay
    """

    table: str
    parent: str
    values: dict[str, Any]
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return a name for the row, such as `lease task=7`."""
        shown = self.key or tuple(name for name in ("id", "task", "number") if name in self.values)
        return " ".join([self.table, *(f"{name}={self.values[name]}" for name in shown)])


class Journal(Record):
    """How the database is kept.

    mode: SQLite's journal mode
    kind: the type of the file system, "" if unknown
    remote: whether the file system rules out WAL
    """

    mode: str
    kind: str
    remote: bool


class Integrity:
    """The state of the database itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def complaints(self) -> tuple[list[str], list[str]]:
        """Run SQLite's integrity check. Returns the lines about indexes only, and all other lines."""
        lines = [str(row[0]) for row in self._store.sql(f"PRAGMA integrity_check({_MOST})", ()) if row[0] != "ok"]
        index = [line for line in lines if any(words in line for words in _INDEX)]
        return index, [line for line in lines if line not in index]

    def mistyped(self) -> list[tuple[str, str, str]]:
        """List the values that are not of their column's type: table, column, and a condition that finds the row.

        Runs one query for each table.
        """
        from git_agent.store.schema import TABLES

        found = []
        for table in (row._meta.table_name for row in TABLES):
            columns = self._store.sql(f"PRAGMA table_info({table})", ())
            keys = ", ".join(f"quote({each[1]})" for each in columns if each[5])
            # Not `typeof(x) NOT IN (..., 'null')`, which takes twice as long: 1.6 s for a million events.
            kinds = {each[1]: _KINDS.get(each[2], "integer") for each in columns}
            wrong = {name: f"(typeof({name}) <> '{kind}' AND {name} NOT NULL)" for name, kind in kinds.items()}
            query = f"SELECT {', '.join(wrong.values())}, {keys} FROM {table} WHERE {' OR '.join(wrong.values())}"
            names = [each[1] for each in columns if each[5]]
            for row in self._store.sql(f"{query} LIMIT {_MOST}", ()):
                where = " AND ".join(f"{name} = {key}" for name, key in zip(names, row[len(wrong) :], strict=True))
                found += [(table, name, where) for name, flag in zip(wrong, row, strict=False) if flag]
        return found

    def dangling(self) -> list[Dangling]:
        """List the rows that refer to a task, message or session that does not exist."""
        found = []
        for table, parent in dict.fromkeys((row[0], row[2]) for row in self._store.sql("PRAGMA foreign_key_check", ())):
            found += self._dangling(table, parent)
        return found

    def _dangling(self, table: str, parent: str) -> list[Dangling]:
        columns, lost = [row[1] for row in self._store.sql(f"PRAGMA table_info({table})", ())], []
        for where in self._leads_nowhere(table, parent):
            lost += self._store.sql(f"SELECT {', '.join(columns)} FROM {table} WHERE {where}", ())
        return [Dangling(table, parent, dict(zip(columns, row, strict=True)), _HANGING.get(table, ())) for row in lost]

    def _leads_nowhere(self, table: str, parent: str) -> list[str]:
        keys = self._store.sql(f"PRAGMA foreign_key_list({table})", ())
        columns = [(source, target) for _, _, other, source, target, *_ in keys if other == parent]
        return [f"({at} IS NOT NULL AND {at} NOT IN (SELECT {to} FROM {parent}))" for at, to in columns]

    def hangs(self, row: Dangling) -> bool:
        """Return whether a row is still as it was read and its parent is still missing."""
        where = f"{self._is(row)} AND ({' OR '.join(self._leads_nowhere(row.table, row.parent))})"
        return bool(self._store.sql(f"SELECT 1 FROM {row.table} WHERE {where}", tuple(row.values.values())))

    def _is(self, row: Dangling) -> str:
        return " AND ".join(f"{name} IS ?" for name in row.values)

    def delete(self, row: Dangling) -> bool:
        """Delete a row if it is still as it was read. Call it in a transaction. Returns whether it was deleted."""
        query = f"DELETE FROM {row.table} WHERE {self._is(row)} RETURNING 1"
        return bool(self._store.sql(query, tuple(row.values.values())))

    def put_back(self, table: str, values: dict[str, Any]) -> bool:
        """Insert a deleted row again. Call it in a transaction.

        Returns False if a constraint rules the row out now.
        """
        if table not in _HANGING:
            raise ValueError(f"no rows of {table} are ever deleted")
        marks = ", ".join("?" * len(values))
        text = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"
        try:
            self._store.sql(text, tuple(values.values()))
        except errors.Violation:
            return False
        return True

    def journal(self, directory: str) -> Journal:
        """Return the journal mode, and whether the file system supports what WAL needs."""
        kind = migrate.file_system(directory)
        return Journal(str(self._store.sql("PRAGMA journal_mode", ())[0][0]), kind, migrate.is_remote(kind))

    def set_journal(self, mode: str) -> str:
        """Change the journal mode to wal or delete.

        Returns the resulting mode, which is the old one if another process has the database open.
        """
        return str(self._store.sql(f"PRAGMA journal_mode={'WAL' if mode == 'wal' else 'DELETE'}", ())[0][0])

    def checkpoint(self) -> bool:
        """Write the write-ahead log into the database and truncate the log. Returns False if a reader prevents it."""
        return not self._store.sql("PRAGMA wal_checkpoint(TRUNCATE)", ())[0][0]

    def reindex(self) -> None:
        """Rebuild all indexes from the rows."""
        self._store.sql("REINDEX", ())

    def named_locks(self) -> list[tuple[str, int, ProcessId, int]]:
        """List the named locks that are held: name, fence, holder, and the time held in ms."""
        query = f"SELECT name, fence, {', '.join(ProcessId._fields)}, taken_at FROM lock WHERE host IS NOT NULL"
        (now,) = self._store.sql(f"SELECT {NOW}", ())[0]
        return [(name, fence, ProcessId(*owner), now - at) for name, fence, *owner, at in self._store.sql(query, ())]

    def row(self, table: str, task: int) -> dict[str, Any]:
        """Return a task's row in a table with one row for each task."""
        if table not in _HANGING:
            raise ValueError(f"no rows of {table} are ever deleted")
        columns = [each[1] for each in self._store.sql(f"PRAGMA table_info({table})", ())]
        ((*values,),) = self._store.sql(f"SELECT {', '.join(columns)} FROM {table} WHERE task = ?", (task,))
        return dict(zip(columns, values, strict=True))
