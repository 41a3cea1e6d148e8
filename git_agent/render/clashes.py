"""How foreseen conflicts are said: for people a matrix and a line for each file, in a pipe a line for each pair's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.render.contested import Row, contested, laid_out, strays
from git_agent.render.style import paint
from git_agent.render.text import cut, visible

if TYPE_CHECKING:
    from git_agent.actions.merging.conflicts import Conflicts
    from git_agent.render.lines import Screen

_MOST = 24  # tasks that clash; a greater matrix tells the eye nothing
_NAME = 12  # columns; less of a task's name says nothing
_LINES = 20  # of files, so that the matrix, they and the order stand on one screen
_UNRELATED = "(no history in common)"


def payload(found: Conflicts) -> dict[str, Any]:
    """Describe the conflicts as docs/json.md says."""
    pairs = [{"a": c.task, "b": c.other or "base", "paths": list(c.paths)} for c in found.clashes]
    claims = [{"a": c.claim.task, "b": c.other.task, "paths": list(c.paths)} for c in found.claims]
    outside = [{"task": o.task, "claimed_by": o.claimed_by, "paths": list(o.paths)} for o in found.outside]
    return {"pairs": pairs, "order": list(found.order), "claims": claims, "outside": outside}


def conflicts(found: Conflicts, screen: Screen) -> list[str]:
    """Lay out the conflicts."""
    return list(_plain(found) if screen.width is None else _drawn(found, screen, screen.width))


def _plain(found: Conflicts) -> Iterator[str]:
    """Tab-separated: task, other task or `base`, path; then claims, what is outside of them, and the order."""
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
        yield f"no branch of task {found.of} to merge"
    elif not found.clashes:
        among = f" among {len(found.tasks)} live branches" if len(found.tasks) > 1 else ""
        yield f"no conflicts{among if found.of is None else f' of task {found.of}'}"
    else:
        yield from _wrapped(_summary(found).split(), width)
        yield from ("", *_matrix(found, screen, width))
    for head, rows in _tables(found):
        yield from [cut(head, width)] * bool(head)
        yield from (*laid_out(rows, width, _LINES if found.of is None else len(rows)), "")
    if len(found.order) > 1:
        order = [f"{task}," for task in found.order[:-1]]
        yield from _wrapped(["clashes least in this order:", *order, str(found.order[-1])], width)


def _tables(found: Conflicts) -> Iterator[tuple[str, list[Row]]]:
    bases = {task.id: visible(task.base) for task in found.tasks}
    clashes = contested((((c.task, c.other), c.paths or (_UNRELATED,)) for c in found.clashes), bases)
    claims = contested((((c.claim.task or 0, c.other.task), c.paths) for c in found.claims), {})
    tables = [("", clashes), ("claimed by several:", claims), ("changed against the claims:", strays(found.outside))]
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
    """The lower half: each task that clashes against the base and against those before it."""
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
