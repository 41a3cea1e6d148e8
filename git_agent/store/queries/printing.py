"""Print the queries as the module of texts that commands import."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from git_agent.store.orm import peewee, without_drivers
from git_agent.store.queries import attempts, events, leases, processes, queue, tasks

_HEAD = '''"""The statements of the store. `make docs` prints them from store/queries; do not edit them here."""

# ruff: noqa: E501
# fmt: off
'''


def printed() -> str:
    """Return the source of store/statements.py."""
    return _HEAD + "".join(map(_section, (tasks, queue, attempts, events, leases, processes)))


def _section(module: ModuleType) -> str:
    queries = {name: value for name, value in vars(module).items() if name.isupper() and name[0] != "_"}
    texts = {name: text(query) for name, query in queries.items() if isinstance(query, peewee.BaseQuery)}
    return "\n" + "".join(f"{name} = {sql!r}\n" for name, sql in texts.items())


def text(query: Any) -> str:
    """Return the SQL of a query, with the values that are written in it as literals."""
    with without_drivers():
        from playhouse.apsw_ext import APSWDatabase

    sql, values = APSWDatabase(None).get_sql_context().sql(query).query()
    parts = sql.split("?")
    return str(parts[0]) + "".join(_quoted(value) + part for value, part in zip(values, parts[1:], strict=True))


def _quoted(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    return "NULL" if value is None else "'" + str(value).replace("'", "''") + "'"
