"""peewee without the database drivers that we do not use, and the database's clock in SQL.

The modules of the store build their queries with it. It knows no engine: `sqlite` provides the one that runs them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# peewee imports every one of these that is installed.
_UNUSED_DRIVERS = ("sqlite3", "pysqlite3", "psycopg2cffi", "psycopg2", "psycopg", "pymysql", "MySQLdb")


@contextmanager
def without_drivers() -> Iterator[None]:
    """Hide the database drivers that we do not use from imports inside the block.

    A second SQLite library in the process drops the POSIX locks of the first one whenever it closes the same file
    (https://sqlite.org/howtocorrupt.html, section 2.2). The other drivers cost time: with psycopg installed, `list`
    took 60 % longer.
    """
    hidden = {name: sys.modules.get(name) for name in _UNUSED_DRIVERS}
    sys.modules.update(dict.fromkeys(_UNUSED_DRIVERS))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


with without_drivers():
    import peewee as peewee

NOW_MS = peewee.SQL("CAST(ROUND(unixepoch('subsec') * 1000) AS BIGINT)")
"""The database's clock: milliseconds since the epoch."""
