"""Which tasks clash with which, in few words: `1-14 with each other`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

Pair = tuple[int, int | None]
"""A task, and another one or None for its base."""
_FEW = 4  # pairs that are told one by one


def spans(ids: Iterable[int]) -> str:
    """Name tasks by their ids, three and more in a row as `4-9`, at least one: `1, 4-9, 12`."""
    rows: list[list[int]] = []
    for task in sorted(ids):
        if rows and rows[-1][-1] == task - 1:
            rows[-1].append(task)
        else:
            rows.append([task])
    return ", ".join(f"{row[0]}-{row[-1]}" if len(row) > 2 else ", ".join(map(str, row)) for row in rows)


def whom(pairs: Collection[Pair], bases: Mapping[int, str]) -> str:
    """Say which tasks clash with which.

    bases: the name of each task's base, to be shown as it is. Exact for a few pairs, for tasks that all clash with each
    other, and for two groups that clash with one another; of others how many pairs clash, and of which tasks.
    """
    tasks = {frozenset((one, other)) for one, other in pairs if other is not None}
    alone = sorted(one for one, other in pairs if other is None)
    names = sorted({bases.get(task, "") for task in alone})
    base = [f"{spans(alone)} with base {names[0]}" if len(names) == 1 else f"{spans(alone)} with their bases"]
    return "; ".join([*([_among(tasks)] if tasks else []), *(base if alone else [])])


def _among(pairs: Collection[frozenset[int]]) -> str:
    all_ = frozenset().union(*pairs)
    possible = len(all_) * (len(all_) - 1) // 2
    first = min(all_)
    right = {task for pair in pairs if first in pair for task in pair - {first}}
    left = all_ - right
    if len(pairs) == possible > 1:
        return f"{spans(all_)} with each other"
    if len(pairs) == len(left) * len(right) and all(len(pair & left) == 1 for pair in pairs):
        return " with ".join(map(spans, sorted((left, right), key=len)))
    if len(pairs) > _FEW:
        return f"{len(pairs)} pairs of {spans(all_)}"
    return "; ".join(f"{one} with {other}" for one, other in sorted(map(sorted, pairs)))
