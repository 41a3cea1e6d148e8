"""Files that several tasks change or claim: a line for each, with who does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from git_agent.render.text import cut, pad, visible, width
from git_agent.render.whom import Pair, spans, whom

if TYPE_CHECKING:
    from git_agent.actions.path_claims.outside import Outside

Said = TypeVar("Said")
_ALIKE = 3  # files of which the same is to be said


class Row(NamedTuple):
    """So many files, with how they are called and what is said of them."""

    files: int
    name: str
    says: str


def contested(found: Iterable[tuple[Pair, Sequence[str]]], bases: Mapping[int, str]) -> list[Row]:
    """Make a row for each file of pairs that clash in it, what most clash in first.

    bases: the name of each task's base.
    """
    pairs: dict[str, set[Pair]] = {}
    for pair, paths in found:
        for path in paths:
            pairs.setdefault(path, set()).add(pair)
    alike = _alike({path: frozenset(among) for path, among in pairs.items()})
    ranked = sorted(alike.items(), key=lambda each: (-len(each[0]), each[1]))
    return [Row(1, visible(path), says) for among, paths in ranked for says in (whom(among, bases),) for path in paths]


def strays(found: Iterable[Outside]) -> list[Row]:
    """Make a row for each file that was changed against the claims."""
    by: dict[str, set[int]] = {}
    claimed: dict[str, set[int]] = {}
    for each in found:
        for path in each.paths:
            by.setdefault(path, set()).add(each.task)
            claimed.setdefault(path, set()).update([each.claimed_by] if each.claimed_by else [])
    alike = _alike({path: _stray(by[path], claimed[path]) for path in by})
    ranked = sorted(alike.items(), key=lambda each: each[1])
    return [Row(1, visible(path), says) for says, paths in ranked for path in paths]


def _stray(by: set[int], claimed: set[int]) -> str:
    own = "its own paths" if len(by) == 1 else "their own paths"
    return f"by {spans(by)}; " + (f"claimed by {spans(claimed)}" if claimed else f"not among {own}")


def _alike(files: Mapping[str, Said]) -> dict[Said, list[str]]:
    alike: dict[Said, list[str]] = {}
    for path, said in sorted(files.items()):
        alike.setdefault(said, []).append(path)
    return alike


def _few(rows: Sequence[Row]) -> Iterator[Row]:
    """Of many files of which the same is to be said, the first few and how many more."""
    for says, same in groupby(rows, key=lambda row: row.says):
        alike = list(same)
        shown = alike if len(alike) <= _ALIKE + 1 else alike[:_ALIKE]
        yield from shown
        if left := len(alike) - len(shown):
            yield Row(left, f"and {left} more files", says)


def laid_out(rows: Sequence[Row], columns: int, most: int) -> Iterator[str]:
    """Print rows into so many columns, at most so many rows.

    Files of which the same is to be said are gathered where there are more. Who clashes stands on a line of its own
    where it does not fit beside the name.
    """
    rows = rows if len(rows) <= most else list(_few(rows))
    shown = rows if len(rows) <= most else rows[: most - 1]
    wide = max((width(row.name) for row in shown if width(row.name) <= columns // 2), default=0)
    for row in shown:
        if width(row.name) <= wide and wide + 2 + width(row.says) <= columns:
            yield f"{pad(row.name, wide)}  {row.says}"
        else:
            yield cut(row.name, columns)
            yield cut(f"    {row.says}", columns)
    if left := sum(row.files for row in rows[len(shown) :]):
        yield cut(f"and {left} more files; of one task: git agent conflicts TASK", columns)
