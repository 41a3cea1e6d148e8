"""A cache of the results of merging two commits. It can be deleted without loss."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple

from git_agent.store.orm import NOW_MS, peewee
from git_agent.store.schema import ClashRow

if TYPE_CHECKING:
    from git_agent.store.store import Store

Pair = tuple[str, str]
KEPT_MS = 24 * 3600 * 1000
"""Milliseconds to keep a pair after one of its commits stops being a branch tip. Branches can move back."""


class CachedMerge(NamedTuple):
    """The result of a merge.

    terms: the hash of the attributes and configuration that applied (merge_inputs)
    paths: the paths in conflict, None for a clean merge
    """

    terms: str
    paths: tuple[str, ...] | None


class MergeCache:
    """The cached results of merging two commits."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, oids: Collection[str]) -> dict[Pair, CachedMerge]:
        """Map the pairs of these commits whose merge is cached to its result.

        oids: full oids
        """
        among = _among(oids)
        query = ClashRow.select(ClashRow.a, ClashRow.b, ClashRow.terms, ClashRow.paths)
        rows = self._store.tuples(query.where(ClashRow.a.in_(among) & ClashRow.b.in_(among)))
        return {
            (a, b): CachedMerge(terms, None if paths is None else tuple(json.loads(paths)))
            for a, b, terms, paths in rows
        }

    def put(self, found: Mapping[Pair, CachedMerge], tips: Collection[str]) -> None:
        """Record the results of merges, and delete old results. Call it in a transaction.

        tips: the current branch tips; pairs with another commit are deleted after KEPT_MS
        """
        gone = ClashRow.a.not_in(_among(tips)) | ClashRow.b.not_in(_among(tips))
        self._store.run(ClashRow.delete().where((ClashRow.at < NOW_MS - KEPT_MS) & gone))
        rows = [(*pair, terms, None if paths is None else json.dumps(paths)) for pair, (terms, paths) in found.items()]
        # One statement for all rows: building one for each costs ten times what the database takes (measured, 465 rows:
        # 60 ms).
        columns = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(4))
        # `WHERE true` keeps SQLite from reading ON as part of a join (https://sqlite.org/lang_upsert.html).
        query = (
            f"INSERT INTO clash (a, b, terms, paths, at) SELECT {columns}, {NOW_MS.sql} FROM json_each(?) WHERE true"
            " ON CONFLICT (a, b) DO UPDATE SET terms = excluded.terms, paths = excluded.paths, at = excluded.at"
        )
        self._store.sql(query, (json.dumps(rows),))


def _among(oids: Collection[str]) -> peewee.SQL:
    # One parameter for any number of values: SQLite accepts 32,766 parameters, and a repository may have more branches.
    return peewee.SQL("(SELECT value FROM json_each(?))", (json.dumps(sorted(oids)),))
