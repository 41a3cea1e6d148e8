"""The SQLite database: APSW, the only SQLite library in the process, with a fair busy handler.

Decision 0001 explains the choice of APSW: the SQLite libraries of interpreters and distributions have the WAL-reset
bug.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import apsw as apsw

from git_agent.errors import AgentError
from git_agent.store import errors

# The file that indexes the write-ahead log can't be made or mapped: the disk is full, or a limit is reached.
_NO_INDEX = (apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_SHMMAP, apsw.SQLITE_IOERR_SHMOPEN)
BUSY_LIMIT_S = 30.0
# A short sleep of constant length is fair. Of 64 writers, some waited 13 s with SQLite's own growing sleep, and 1.2 s
# with this one.
BUSY_SLEEP_S = (0.0005, 0.004)
_Rows = list[tuple[Any, ...]]
_Values = tuple[Any, ...] | dict[str, Any]
_T = TypeVar("_T")


class Database:
    """One connection to the store for each thread, opened on first use. SQLite errors are raised as AgentErrors.

    synchronous: what a commit waits for, as in PRAGMA synchronous
    """

    def __init__(self, path: str, *, synchronous: str = "FULL") -> None:
        self.path = path
        self._synchronous = synchronous
        self._own = _OfThread()

    def connect(self) -> None:
        """Open this thread's connection. Raises AgentError with the path and the reason."""
        self._own.errno = 0
        try:
            self._own.connection = self._connect()
        except (apsw.Error, OSError) as error:
            raise errors.translate(error, self.path, self._own.errno) from error

    def connection(self) -> apsw.Connection:
        """Return this thread's connection; open it if there is none."""
        if self._own.connection is None:
            self.connect()
        assert self._own.connection is not None
        return self._own.connection

    def close(self) -> None:
        """Close this thread's connection, if it is open."""
        connection, self._own.connection = self._own.connection, None
        if connection is not None:
            connection.close()

    def _connect(self) -> apsw.Connection:
        before = _identity(self.path)
        self._own.alone = False
        try:
            connection = self._open(self.path, apsw.SQLITE_OPEN_READWRITE)
        except (apsw.CantOpenError, apsw.ReadOnlyError):
            if not self._is_still():
                raise
            connection = self._open(_immutable(self.path), apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        except apsw.IOError as error:
            if getattr(error, "extendedresult", 0) not in _NO_INDEX:
                raise
            connection = self._open(self.path, apsw.SQLITE_OPEN_READWRITE, alone=True)
            self._own.alone = True
        if _identity(self.path) != before:
            connection.close()
            raise errors.replaced(self.path)
        self._own.file = before
        return connection

    @property
    def alone(self) -> bool:
        """Return whether other processes must wait until this thread's connection is closed."""
        return self._own.alone

    def _open(self, name: str, flags: int, *, alone: bool = False) -> apsw.Connection:
        """Open a connection.

        alone: keep the index of the write-ahead log in memory, which excludes other processes. On a full disk there is
            no room for the file that they share (https://sqlite.org/wal.html, "Use of WAL Without Shared-Memory").
        """
        with utf8_name(name) as openable:
            connection = apsw.Connection(openable, flags=flags)
        try:
            connection.set_busy_handler(_fair_wait())
            # Without this, SQLite compiles a statement again for each new value of a LIMIT or of a range, because the
            # value might favour another plan: 200 us for a statement that runs in 30.
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
            if alone:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.execute(f"PRAGMA synchronous={self._synchronous}")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA journal_size_limit=4000000")
            connection.execute("PRAGMA schema_version").fetchall()  # reads the file, so a failure to open shows here
        except BaseException as error:
            self._own.errno = connection.system_errno if isinstance(error, apsw.IOError) else 0
            connection.close()
            raise
        return connection

    def _is_still(self) -> bool:
        """Return whether the file can be read as immutable: no WAL is pending, and we may not write to its directory.

        SQLite takes no lock and reads no WAL for an immutable file (https://sqlite.org/uri.html#uriimmutable).
        """
        try:
            waiting = os.stat(self.path + "-wal").st_size
        except FileNotFoundError:
            waiting = 0
        return waiting == 0 and not os.access(os.path.dirname(self.path), os.W_OK)

    def now(self) -> int:
        """Return the database's clock, in ms since the epoch: SQLite's is that of this machine."""
        return int(time.time() * 1000)

    def version(self) -> int:
        """Return a number that changes when another connection commits. To another connection it means nothing.

        Raises AgentError for a database error.
        """
        return self._run(lambda connection: int(connection.pragma("data_version")))

    @property
    def in_transaction(self) -> bool:
        """Return whether this thread's connection is in a transaction."""
        return self.connection().in_transaction

    def rows(self, sql: str, params: _Values = ()) -> _Rows:
        """Run one statement and list its rows.

        params: values for `?`, or by name for `:name`
        Raises AgentError for a database error, and Violation when a constraint rules the change out.
        """
        return self._run(lambda connection: list(connection.execute(sql, params)))

    def change(self, sql: str, params: _Values = ()) -> int:
        """Run one statement and return how many rows it changed. Raises as rows does."""

        def changed(connection: apsw.Connection) -> int:
            connection.execute(sql, params)
            return connection.changes()

        return self._run(changed)

    def each(self, sql: str, params: _Values = ()) -> Iterator[tuple[Any, ...]]:
        """Run one statement and yield its rows as they are read. Raises as rows does."""
        cursor = self._run(lambda connection: connection.execute(sql, params))
        while (row := self._run(lambda _: next(cursor, None))) is not None:
            yield row

    def _run(self, work: Callable[[apsw.Connection], _T]) -> _T:
        connection = self.connection()
        try:
            return work(connection)
        except apsw.ConstraintError as error:
            raise errors.Violation(str(error)) from error
        except apsw.Error as error:
            raise errors.translate(error, self.path, connection.system_errno) from error
        except UnicodeDecodeError as error:
            raise errors.damaged(self.path, "a text that is not UTF-8") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock; commit at the end, or roll back when an exception leaves the block.

        Within another transaction of this thread it is a part of that one, which is rolled back by itself.
        Raises AgentError (exit 6) when the lock is not free within 30 s, and as commit does.
        """
        inner = self.in_transaction
        self.rows("SAVEPOINT inner" if inner else "BEGIN IMMEDIATE")
        try:
            yield
            self.rows("RELEASE inner") if inner else self.commit()
        except BaseException:
            self._roll_back(inner)
            raise

    def _roll_back(self, inner: bool) -> None:
        # SQLite has rolled back by itself after some errors, such as a full disk.
        if self.in_transaction:
            for statement in ("ROLLBACK TO inner", "RELEASE inner") if inner else ("ROLLBACK",):
                self.rows(statement)

    def commit(self) -> None:
        """Commit. Raises AgentError if the file was replaced since it was opened: the commit would be lost silently."""
        self.check_identity()
        self._run(self._commit)

    @staticmethod
    def _commit(connection: apsw.Connection) -> None:
        connection.execute("COMMIT")

    def check_identity(self) -> None:
        """Raise AgentError when the file was deleted or replaced since this thread's connection was opened."""
        try:
            now = _identity(self.path)
        except OSError:
            raise errors.replaced(self.path) from None
        if now != self._own.file:
            raise errors.replaced(self.path)


class _OfThread(threading.local):
    """What each thread has of its own: its connection, how that was opened, and the file that it opened."""

    connection: apsw.Connection | None = None
    alone = False
    errno = 0
    file = (0, 0)


def _identity(path: str) -> tuple[int, int]:
    seen = os.stat(path)
    return seen.st_dev, seen.st_ino


def _immutable(path: str) -> str:
    plain = (chr(b) if b < 0x80 and b not in b"%?#" else f"%{b:02x}" for b in os.fsencode(os.path.abspath(path)))
    return f"file://{''.join(plain)}?immutable=1"


@contextmanager
def utf8_name(path: str) -> Iterator[str]:
    """Yield a name of a file that APSW accepts.

    APSW accepts UTF-8 only. For other names it gets one below /proc/self/fd, which SQLite resolves to the real name.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield f"/proc/self/fd/{directory}/{os.path.basename(path)}"
        finally:
            os.close(directory)
    else:
        yield path


def _fair_wait() -> Any:
    started = 0.0

    def wait(tries: int) -> bool:
        import random

        nonlocal started
        now = time.monotonic()
        if tries == 0:
            started = now
        if now - started > BUSY_LIMIT_S:
            return False
        time.sleep(random.uniform(*BUSY_SLEEP_S))
        return True

    return wait


def library() -> str:
    """Return the SQLite library and its version, such as `APSW 3.54.1.0, SQLite 3.54.1`."""
    return f"APSW {apsw.apsw_version()}, SQLite {apsw.sqlite_lib_version()}"


def require_sound() -> None:
    """Raise AgentError for a SQLite library that can corrupt the store."""
    version = apsw.sqlite_lib_version()
    if not is_sound(tuple(int(part) for part in version.split("."))):
        raise AgentError(
            "sqlite-unsound",
            f"SQLite {version} can corrupt a store that several processes write to",
            "pip install --upgrade apsw",
        )


def is_sound(version: tuple[int, ...]) -> bool:
    """Return whether a SQLite version is free of the WAL-reset bug (https://sqlite.org/wal.html, "WAL-reset")."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
