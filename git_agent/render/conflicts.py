"""Render predicted conflicts: a matrix and a line per file for people, a line per pair and file in a pipe."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, TypeVar

from git_agent.record import Record
from git_agent.render.style import paint
from git_agent.render.text import cut, pad, visible, width

if TYPE_CHECKING:
    from git_agent.actions.merging.conflicts import Conflicts
    from git_agent.actions.path_claims.outside import Outside
    from git_agent.render.style import Screen


_MOST = 24  # tasks that clash; nobody can read a larger matrix
_NAME = 12  # columns; a shorter part of a name is useless
_LINES = 20  # lines for files, so that matrix, files and order fit on one screen
_UNRELATED = "(no history in common)"


def conflicts_json(found: Conflicts) -> dict[str, Any]:
    """Return the conflicts as JSON values (see docs/json.md)."""
    pairs = [{"a": c.task, "b": c.other or "base", "paths": list(c.paths)} for c in found.clashes]
    claims = [{"a": c.claim.task, "b": c.other.task, "paths": list(c.paths)} for c in found.claims]
    outside = [{"task": o.task, "claimed_by": o.claimed_by, "paths": list(o.paths)} for o in found.outside]
    return {"pairs": pairs, "order": list(found.order), "claims": claims, "outside": outside}


def conflict_lines(found: Conflicts, screen: Screen) -> list[str]:
    """Return the conflicts as lines for a terminal or a pipe."""
    return list(_plain(found) if screen.width is None else _drawn(found, screen, screen.width))


def _plain(found: Conflicts) -> Iterator[str]:
    """Tab-separated lines: task, other task or `base`, path; then claims, changes outside claims, and the order."""
    for clash in found.clashes:
        for path in clash.paths or ("",):
            yield "\t".join((str(clash.task), str(clash.other or "base"), visible(path)))
    for claim in found.claims:
        yield from ("\t".join(("claim", str(claim.claim.task), str(claim.other.task), visible(p))) for p in claim.paths)
    for each in found.outside:
        whose = str(each.claimed_by or "own")
        yield from ("\t".join(("outside", str(each.task), whose, visible(p))) for p in each.paths)
    if found.order:
        yield "\t".join(("order", *map(str, found.order)))


def _drawn(found: Conflicts, screen: Screen, width: int) -> Iterator[str]:
    if not found.tasks:
        yield "no live branches"
    elif found.of not in (None, *(task.id for task in found.tasks)):
        yield f"task {found.of} has no branch to merge"
    elif not found.clashes:
        among = f" among {len(found.tasks)} live branches" if len(found.tasks) > 1 else ""
        yield f"no conflicts{among if found.of is None else f' of task {found.of}'}"
    else:
        yield from _wrapped(_summary(found).split(), width)
        yield from ("", *_matrix(found, screen, width))
    for head, rows in _tables(found):
        yield from [cut(head, width)] * bool(head)
        yield from (*format_rows(rows, width, _LINES if found.of is None else len(rows)), "")
    if len(found.order) > 1:
        order = [f"{task}," for task in found.order[:-1]]
        yield from _wrapped(["best merge order:", *order, str(found.order[-1])], width)


def _tables(found: Conflicts) -> Iterator[tuple[str, list[FileRow]]]:
    bases = {task.id: visible(task.base) for task in found.tasks}
    clashes = clash_rows((((c.task, c.other), c.paths or (_UNRELATED,)) for c in found.clashes), bases)
    claims = clash_rows((((c.claim.task or 0, c.other.task), c.paths) for c in found.claims), {})
    tables = [
        ("", clashes),
        ("claimed by several tasks:", claims),
        ("changed outside claims:", outside_rows(found.outside)),
    ]
    return (each for each in tables if each[1])


def _summary(found: Conflicts) -> str:
    pairs = len([c for c in found.clashes if c.other is not None])
    based = len(found.clashes) - pairs
    if found.of is None:
        who = f"{_count(len(found.tasks), 'live branch', 'live branches')}: "
        says = [_count(pairs, "pair clashes", "pairs clash")] if pairs else []
        says += [_count(based, "clashes with its base", "clash with their bases")] if based else []
    else:
        who = f"task {found.of} clashes with "
        says = [_count(pairs, "other task", "other tasks")] * bool(pairs) + ["its base"] * bool(based)
    files = len({path for clash in found.clashes for path in clash.paths})
    return f"{who}{' and '.join(says)}, in {_count(files, 'file', 'files')}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _matrix(found: Conflicts, screen: Screen, width: int) -> Iterator[str]:
    """Draw the lower triangle: each clashing task against its base and the tasks before it."""
    clashing = {(c.task, c.other) for c in found.clashes}
    tasks = [task for task in found.tasks if any(task.id in pair for pair in clashing)]
    ids = [task.id for task in tasks]
    digits = max(len(str(task)) for task in ids)
    wide = digits + (2 if 6 + (digits + 2) * len(ids) <= width else 1)
    room = width - (6 + wide * len(ids))  # for the names
    if found.of is not None or len(ids) > _MOST or room < 0:
        return
    yield paint(" " * wide + "  base" + "".join(f"{task:>{wide}}" for task in ids[:-1]), "1", screen.colour)
    for at, task in enumerate(tasks):
        cells = [_cell((task.id, None) in clashing, 6, screen)]
        cells += [_cell((other, task.id) in clashing, wide, screen) for other in ids[:at]]
        name = " " * (wide * (len(ids) - 1 - at)) + "  " + cut(visible(task.name), room - 2)
        yield f"{task.id:>{wide}}" + "".join(cells) + (name if room > _NAME else "")
    yield ""


def _cell(clashes: bool, wide: int, screen: Screen) -> str:
    return " " * (wide - 1) + (paint("x", "31", screen.colour) if clashes else ".")


def _wrapped(words: Sequence[str], width: int) -> Iterator[str]:
    line, *rest = words
    for word in rest:
        if len(line) + 1 + len(word) > width:
            yield line
            line = " "
        line = f"{line} {word}"
    yield line


Said = TypeVar("Said")
_ALIKE = 3  # files with the same description


class FileRow(Record):
    """A line about one or more files.

    files: how many; name: what they are called; says: the description
    """

    files: int
    name: str
    says: str


def clash_rows(found: Iterable[tuple[Pair, Sequence[str]]], bases: Mapping[int, str]) -> list[FileRow]:
    """Return a row for each file in which pairs clash, those with the most pairs first.

    found: pairs, each with its paths
    bases: the name of each task's base
    """
    pairs: dict[str, set[Pair]] = {}
    for pair, paths in found:
        for path in paths:
            pairs.setdefault(path, set()).add(pair)
    alike = _alike({path: frozenset(among) for path, among in pairs.items()})
    ranked = sorted(alike.items(), key=lambda each: (-len(each[0]), each[1]))
    return [
        FileRow(1, visible(path), says)
        for among, paths in ranked
        for says in (describe_pairs(among, bases),)
        for path in paths
    ]


def outside_rows(found: Iterable[Outside]) -> list[FileRow]:
    """Return a row for each file that was changed outside of claims."""
    by: dict[str, set[int]] = {}
    claimed: dict[str, set[int]] = {}
    for each in found:
        for path in each.paths:
            by.setdefault(path, set()).add(each.task)
            claimed.setdefault(path, set()).update([each.claimed_by] if each.claimed_by else [])
    alike = _alike({path: _stray(by[path], claimed[path]) for path in by})
    ranked = sorted(alike.items(), key=lambda each: each[1])
    return [FileRow(1, visible(path), says) for says, paths in ranked for path in paths]


def _stray(by: set[int], claimed: set[int]) -> str:
    own = "its own paths" if len(by) == 1 else "their own paths"
    return f"by {id_ranges(by)}; " + (f"claimed by {id_ranges(claimed)}" if claimed else f"not among {own}")


def _alike(files: Mapping[str, Said]) -> dict[Said, list[str]]:
    alike: dict[Said, list[str]] = {}
    for path, said in sorted(files.items()):
        alike.setdefault(said, []).append(path)
    return alike


def _few(rows: Sequence[FileRow]) -> Iterator[FileRow]:
    """Shorten runs of files with the same description to the first few and a count."""
    for says, same in groupby(rows, key=lambda row: row.says):
        alike = list(same)
        shown = alike if len(alike) <= _ALIKE + 1 else alike[:_ALIKE]
        yield from shown
        if left := len(alike) - len(shown):
            yield FileRow(left, f"and {left} more files", says)


def format_rows(rows: Sequence[FileRow], columns: int, most: int) -> Iterator[str]:
    """Format rows as lines.

    Where there are too many rows, files with the same description are summarised. A description that does not fit
    beside the name gets its own line.

    columns: width of the terminal
    most: the most rows to show
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
        yield cut(f"and {left} more files; git agent conflicts TASK lists those of one task", columns)


Pair = tuple[int, int | None]
"""A task, and another one or None for its base."""
_FEW = 4  # pairs that are listed one by one


def id_ranges(ids: Iterable[int]) -> str:
    """Format at least one id, with three or more consecutive ids as a range: `1, 4-9, 12`."""
    rows: list[list[int]] = []
    for task in sorted(ids):
        if rows and rows[-1][-1] == task - 1:
            rows[-1].append(task)
        else:
            rows.append([task])
    return ", ".join(f"{row[0]}-{row[-1]}" if len(row) > 2 else ", ".join(map(str, row)) for row in rows)


def describe_pairs(pairs: Collection[Pair], bases: Mapping[int, str]) -> str:
    """Describe which tasks clash with which.

    The description is exact for a few pairs, for tasks that all clash with each other, and for two groups that clash
    with one another. Otherwise it gives the number of pairs and the tasks.

    bases: the name of each task's base, safe to show
    """
    tasks = {frozenset((one, other)) for one, other in pairs if other is not None}
    alone = sorted(one for one, other in pairs if other is None)
    names = sorted({bases.get(task, "") for task in alone})
    base = [f"{id_ranges(alone)} with base {names[0]}" if len(names) == 1 else f"{id_ranges(alone)} with their bases"]
    return "; ".join([*([_among(tasks)] if tasks else []), *(base if alone else [])])


def _among(pairs: Collection[frozenset[int]]) -> str:
    all_ = frozenset().union(*pairs)
    possible = len(all_) * (len(all_) - 1) // 2
    first = min(all_)
    right = {task for pair in pairs if first in pair for task in pair - {first}}
    left = all_ - right
    if len(pairs) == possible > 1:
        return f"{id_ranges(all_)} with each other"
    if len(pairs) == len(left) * len(right) and all(len(pair & left) == 1 for pair in pairs):
        return " with ".join(map(id_ranges, sorted((left, right), key=len)))
    if len(pairs) > _FEW:
        return f"{len(pairs)} pairs of {id_ranges(all_)}"
    return "; ".join(f"{one} with {other}" for one, other in sorted(map(sorted, pairs)))
