"""A cache of the results of merging two commits. It can be deleted without loss."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from git_agent.record import Record
from git_agent.store import statements
from git_agent.store.sql import NOW

if TYPE_CHECKING:
    from git_agent.store.store import Store

Pair = tuple[str, str]
KEPT_MS = 24 * 3600 * 1000
"""Milliseconds to keep a pair after one of its commits stops being a branch tip. Branches can move back."""


class CachedMerge(Record):
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
        rows = self._store.rows(statements.CACHED_MERGES, oids=json.dumps(sorted(oids)))
        return {
            (a, b): CachedMerge(terms, None if paths is None else tuple(json.loads(paths)))
            for a, b, terms, paths in rows
        }

    def put(self, found: Mapping[Pair, CachedMerge], tips: Collection[str]) -> None:
        """Record the results of merges, and delete old results. Call it in a transaction.

        tips: the current branch tips; pairs with another commit are deleted after KEPT_MS
        """
        self._store.change(statements.DELETE_OLD_MERGES, kept_ms=KEPT_MS, tips=json.dumps(sorted(tips)))
        rows = [(*pair, terms, None if paths is None else json.dumps(paths)) for pair, (terms, paths) in found.items()]
        # One statement for all rows: building one for each costs ten times what the database takes (measured, 465 rows:
        # 60 ms).
        columns = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(4))
        # `WHERE true` keeps SQLite from reading ON as part of a join (https://sqlite.org/lang_upsert.html).
        query = (
            f"INSERT INTO clash (a, b, terms, paths, at) SELECT {columns}, {NOW} FROM json_each(?) WHERE true"
            " ON CONFLICT (a, b) DO UPDATE SET terms = excluded.terms, paths = excluded.paths, at = excluded.at"
        )
        self._store.sql(query, (json.dumps(rows),))
