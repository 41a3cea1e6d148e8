"""peewee without the database drivers that we do not use, and the parameters of the queries in store/queries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from git_agent.store.sql import NOW, UNFINISHED

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

NOW_MS = peewee.SQL(NOW)
IS_UNFINISHED = peewee.SQL(UNFINISHED)


def given(name: str) -> Any:
    """Return a parameter: a value that is known when the statement runs."""
    return peewee.SQL(f":{name}")


def all_given(*names: str) -> dict[str, Any]:
    """Return a parameter for each of these columns."""
    return {name: given(name) for name in names}


def listed(name: str) -> Any:
    """Return a list of values that is known when the statement runs, for `in_`."""
    return peewee.SQL(f"(:*{name})")


def same(column: Any, name: str) -> Any:
    """Return the condition that a column equals a parameter. NULL equals NULL."""
    return peewee.Expression(column, "IS NOT DISTINCT FROM", given(name))


def columns(table: Any, *names: str) -> tuple[Any, ...]:
    """Return columns of a table by name."""
    return tuple(getattr(table, name) for name in names)
