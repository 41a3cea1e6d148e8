"""The database under peewee: APSW, the only SQLite library in the process, with a fair busy handler.

Decision 0001 explains the choice of APSW: the SQLite libraries of interpreters and distributions have the WAL-reset
bug.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from git_agent.errors import AgentError
from git_agent.store import errors
from git_agent.store.orm import peewee, without_drivers

with without_drivers():
    import apsw as apsw
    import playhouse.apsw_ext as _driver

# The file that indexes the write-ahead log can't be made or mapped: the disk is full, or a limit is reached.
_NO_INDEX = (apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_SHMMAP, apsw.SQLITE_IOERR_SHMOPEN)
BUSY_LIMIT_S = 30.0
# A short sleep of constant length is fair. Of 64 writers, some waited 13 s with SQLite's own growing sleep, and 1.2 s
# with this one.
BUSY_SLEEP_S = (0.0005, 0.004)


class Database(_driver.APSWDatabase):  # type: ignore[misc]
    """One connection to the store for each thread. Every SQLite error is raised as an AgentError."""

    def __init__(self, path: str, *, synchronous: str = "FULL") -> None:
        pragmas = [("synchronous", synchronous), ("foreign_keys", "ON"), ("journal_size_limit", 4_000_000)]
        super().__init__(path, pragmas=pragmas, timeout=None)
        self.path = path
        self._opened = threading.local()  # the file that this thread's connection has open

    def _connect(self) -> Any:
        before = _identity(self.path)
        self._opened.alone, self._opened.errno = False, 0
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
            self._opened.alone = True
        if _identity(self.path) != before:
            connection.close()
            raise errors.replaced(self.path)
        self._opened.file = before
        return connection

    @property
    def alone(self) -> bool:
        """Return whether other processes must wait until this thread's connection is closed."""
        return getattr(self._opened, "alone", False)

    def _open(self, name: str, flags: int, *, alone: bool = False) -> Any:
        """Open a connection.

        alone: keep the index of the write-ahead log in memory, which excludes other processes. On a full disk there is
            no room for the file that they share (https://sqlite.org/wal.html, "Use of WAL Without Shared-Memory").
        """
        with utf8_name(name) as openable:
            connection = apsw.Connection(openable, flags=flags)
        try:
            connection.set_busy_handler(_fair_wait())
            if alone:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            self._add_conn_hooks(connection)
            connection.execute("PRAGMA schema_version").fetchall()  # reads the file, so a failure to open shows here
        except BaseException as error:
            self._opened.errno = connection.system_errno if isinstance(error, apsw.IOError) else 0
            connection.close()
            raise
        return connection

    def _explain(self, error: BaseException) -> AgentError:
        connection = self._state.conn
        return errors.translate(error, self.path, connection.system_errno if connection else 0)

    def _is_still(self) -> bool:
        """Return whether the file can be read as immutable: no WAL is pending, and we may not write to its directory.

        SQLite takes no lock and reads no WAL for an immutable file (https://sqlite.org/uri.html#uriimmutable).
        """
        try:
            waiting = os.stat(self.path + "-wal").st_size
        except FileNotFoundError:
            waiting = 0
        return waiting == 0 and not os.access(os.path.dirname(self.path), os.W_OK)

    def connect(self, reuse_if_open: bool = False) -> Any:
        """Open the connection. Raises AgentError with the path and the reason."""
        try:
            return super().connect(reuse_if_open=reuse_if_open)
        except (peewee.PeeweeException, apsw.Error, OSError) as error:
            raise errors.translate(error, self.path, getattr(self._opened, "errno", 0)) from error

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run one statement. Raises AgentError for a database error, but peewee.IntegrityError unchanged."""
        try:
            return super().execute_sql(sql, params)
        except peewee.IntegrityError:
            raise
        except peewee.DatabaseError as error:
            raise self._explain(error) from error

    def rows(self, sql: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Run one statement and list its rows. Takes half the time of execute_sql; for statements that run often."""
        try:
            return list(self.connection().execute(sql, params))
        except apsw.Error as error:
            raise self._explain(error) from error
        except UnicodeDecodeError as error:
            raise errors.damaged(self.path, "a text that is not UTF-8") from error

    def begin(self, lock_type: str | None = None) -> Any:
        """Begin a transaction. Raises AgentError (exit 6) when the lock is not free within 30 s."""
        try:
            return super().begin(lock_type)
        except peewee.DatabaseError as error:
            raise self._explain(error) from error

    def commit(self) -> Any:
        """Commit. Raises AgentError if the file was replaced since it was opened: the commit would be lost silently."""
        self.check_identity()
        try:
            return super().commit()
        except peewee.DatabaseError as error:
            raise self._explain(error) from error

    def check_identity(self) -> None:
        """Raise AgentError when the file was deleted or replaced since this thread's connection was opened."""
        try:
            now = _identity(self.path)
        except OSError:
            raise errors.replaced(self.path) from None
        if now != self._opened.file:
            raise errors.replaced(self.path)


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
