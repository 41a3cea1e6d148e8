"""What merges of two commits were found to give: a cache, so that nothing is lost with it."""

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
"""How long a pair is kept when one of its commits is no branch's tip any more: branches go back, too."""


class CachedMerge(NamedTuple):
    """What a merge gave. terms: under which attributes and configuration; paths: that clash, None for a clean merge."""

    terms: str
    paths: tuple[str, ...] | None


class MergeCache:
    """What merges of two commits gave."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, oids: Collection[str]) -> dict[Pair, CachedMerge]:
        """Map the pairs of these commits (full oids) whose merge was tried to what it gave."""
        among = _among(oids)
        query = ClashRow.select(ClashRow.a, ClashRow.b, ClashRow.terms, ClashRow.paths)
        rows = self._store.tuples(query.where(ClashRow.a.in_(among) & ClashRow.b.in_(among)))
        return {
            (a, b): CachedMerge(terms, None if paths is None else tuple(json.loads(paths)))
            for a, b, terms, paths in rows
        }

    def put(self, found: Mapping[Pair, CachedMerge], tips: Collection[str]) -> None:
        """Record what merges gave, and forget the old ones of commits that are no tips any more; in a transaction."""
        gone = ClashRow.a.not_in(_among(tips)) | ClashRow.b.not_in(_among(tips))
        self._store.run(ClashRow.delete().where((ClashRow.at < NOW_MS - KEPT_MS) & gone))
        rows = [(*pair, terms, None if paths is None else json.dumps(paths)) for pair, (terms, paths) in found.items()]
        # One statement for all: making one of each costs ten times what the database takes (measured, 465 rows: 60 ms).
        columns = ", ".join(f"json_extract(value, '$[{at}]')" for at in range(4))
        # `WHERE true` keeps SQLite from reading ON as part of a join (https://sqlite.org/lang_upsert.html).
        query = (
            f"INSERT INTO clash (a, b, terms, paths, at) SELECT {columns}, {NOW_MS.sql} FROM json_each(?) WHERE true"
            " ON CONFLICT (a, b) DO UPDATE SET terms = excluded.terms, paths = excluded.paths, at = excluded.at"
        )
        self._store.sql(query, (json.dumps(rows),))


def _among(oids: Collection[str]) -> peewee.SQL:
    # One parameter for any number of values: SQLite takes 32,766, and a repository may have more branches.
    return peewee.SQL("(SELECT value FROM json_each(?))", (json.dumps(sorted(oids)),))
