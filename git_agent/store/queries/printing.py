"""Print the queries as the module of texts that commands import."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from git_agent.store.orm import peewee, without_drivers
from git_agent.store.queries import attempts, events, leases, processes, queue, tasks, together

_HEAD = '''"""The statements of the store. `make docs` prints them from store/queries; do not edit them here."""

# ruff: noqa: E501
# fmt: off

from git_agent.store.sql import Together
'''
_QUERIES = (tasks, queue, attempts, events, leases, processes)


def printed() -> str:
    """Return the source of store/statements.py."""
    return _HEAD + "".join(map(_section, _QUERIES)) + "\n" + "".join(map(_joined, _named(together, tuple).items()))


def _section(module: ModuleType) -> str:
    texts = {name: text(query) for name, query in _named(module, peewee.BaseQuery).items()}
    return "\n" + "".join(f"{name} = {sql!r}\n" for name, sql in texts.items())


def _named(module: ModuleType, kind: type) -> dict[str, Any]:
    found = {name: value for name, value in vars(module).items() if name.isupper() and name[0] != "_"}
    return {name: value for name, value in found.items() if isinstance(value, kind)}


def _joined(item: tuple[str, Sequence[Any]]) -> str:
    """Return a statement that selects, for each of some queries, its rows as JSON."""
    name, queries = item
    known = {id(query): each for module in _QUERIES for each, query in _named(module, peewee.BaseQuery).items()}
    return f"{name} = Together(({', '.join(known[id(query)] for query in queries)}), {_rows_as_json(queries)!r})\n"


def _rows_as_json(queries: Sequence[Any]) -> str:
    parts = []
    for query in queries:
        columns = ", ".join(f"c{number}" for number in range(len(query._returning)))
        rows = f"SELECT json_group_array(json_array({columns})) FROM q"
        parts.append(f"(WITH q ({columns}) AS ({text(query)}) {rows})")
    return f"SELECT {', '.join(parts)}"


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
