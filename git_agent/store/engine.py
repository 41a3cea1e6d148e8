"""The database peewee drives: APSW, the only SQLite library in the process, with a fair busy handler.

Decision 0001 says why APSW: the SQLite libraries of interpreters and distributions have the WAL-reset bug.
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import Any

BUSY_LIMIT_S = 30.0
# A constant short sleep is fair: with SQLite's own growing one, some of 64 writers waited 13 s; with this one 1.2 s.
BUSY_SLEEP_S = (0.0005, 0.004)


def _import_with_one_sqlite() -> Any:
    """Import peewee's APSW driver while no other SQLite library can be loaded.

    peewee imports sqlite3 and pysqlite3 where it finds them. A second library in the process drops the POSIX locks
    of the first one whenever it closes the same file (https://sqlite.org/howtocorrupt.html, section 2.2).
    """
    names = ("sqlite3", "pysqlite3")
    hidden = {name: sys.modules.get(name) for name in names}
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]
    try:
        import playhouse.apsw_ext as driver
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return driver


_driver = _import_with_one_sqlite()

import apsw as apsw  # noqa: E402
import peewee as peewee  # noqa: E402

from git_agent.store import faults  # noqa: E402

NOW_MS = peewee.SQL("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")


class Database(_driver.APSWDatabase):  # type: ignore[misc,name-defined]
    """One connection a thread to the store; every SQLite error leaves it as an AgentError."""

    def __init__(self, path: str, *, synchronous: str = "FULL") -> None:
        pragmas = [("synchronous", synchronous), ("foreign_keys", "ON"), ("journal_size_limit", 4_000_000)]
        super().__init__(path, pragmas=pragmas, timeout=None)
        self.path = path
        self._identity: tuple[int, int] | None = None

    def _connect(self) -> Any:
        connection = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READWRITE)
        connection.set_busy_handler(_fair_wait())
        try:
            self._add_conn_hooks(connection)
        except BaseException:
            connection.close()
            raise
        seen = os.stat(self.path)
        self._identity = (seen.st_dev, seen.st_ino)
        return connection

    def connect(self, reuse_if_open: bool = False) -> Any:
        """Open the connection. Raises AgentError with the path and the reason."""
        try:
            return super().connect(reuse_if_open=reuse_if_open)
        except (peewee.PeeweeException, apsw.Error, OSError) as error:
            raise faults.translate(error, self.path) from error

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Run one statement. Raises AgentError for what a user can mend, peewee.IntegrityError as it is."""
        try:
            return super().execute_sql(sql, params)
        except peewee.IntegrityError:
            raise
        except peewee.DatabaseError as error:
            raise faults.translate(error, self.path) from error

    def begin(self, lock_type: str | None = None) -> Any:
        """Begin a transaction. Raises AgentError (exit 6) when the lock could not be had in 30 s."""
        try:
            return super().begin(lock_type)
        except peewee.DatabaseError as error:
            raise faults.translate(error, self.path) from error

    def commit(self) -> Any:
        """Commit, unless the file was replaced since it was opened: a commit into it would be lost silently."""
        self._check_identity()
        try:
            return super().commit()
        except peewee.DatabaseError as error:
            raise faults.translate(error, self.path) from error

    def _check_identity(self) -> None:
        try:
            now = os.stat(self.path)
        except OSError:
            raise faults.replaced(self.path) from None
        if self._identity is not None and (now.st_dev, now.st_ino) != self._identity:
            raise faults.replaced(self.path)


def _fair_wait() -> Any:
    started = 0.0

    def wait(tries: int) -> bool:
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
    """Name the SQLite library and its version: `APSW 3.54.1.0, SQLite 3.54.1`."""
    return f"APSW {apsw.apsw_version()}, SQLite {apsw.sqlite_lib_version()}"


def is_sound(version: tuple[int, ...]) -> bool:
    """Tell whether a SQLite version is free of the WAL-reset bug (https://sqlite.org/wal.html, "WAL-reset")."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
