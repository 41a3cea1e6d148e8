"""How foreseen conflicts are said: a matrix and the files for people, a line for each file in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from git_agent.render.style import paint
from git_agent.render.text import cut, visible

if TYPE_CHECKING:
    from git_agent.actions.conflicts import Clash, Conflicts
    from git_agent.render.lines import Screen

_MOST = 15  # tasks; a greater matrix tells the eye nothing
_FILES = 3
_UNRELATED = "no history in common"


def payload(found: Conflicts) -> dict[str, Any]:
    """Describe the conflicts as docs/json.md says."""
    pairs = [{"a": c.task, "b": c.other or "base", "paths": list(c.paths)} for c in found.clashes]
    return {"pairs": pairs, "order": list(found.order)}


def conflicts(found: Conflicts, screen: Screen) -> list[str]:
    """Lay out the conflicts."""
    return list(_plain(found) if screen.width is None else _drawn(found, screen, screen.width))


def _plain(found: Conflicts) -> Iterator[str]:
    """Tab-separated: task, other task or `base`, path; last the order."""
    for clash in found.clashes:
        for path in clash.paths or ("",):
            yield "\t".join((str(clash.task), str(clash.other or "base"), visible(path)))
    if found.order:
        yield "\t".join(("order", *map(str, found.order)))


def _drawn(found: Conflicts, screen: Screen, width: int) -> Iterator[str]:
    if not found.tasks:
        yield "no live branches"
        return
    if not found.clashes:
        yield f"no conflicts among {len(found.tasks)} live branches" if len(found.tasks) > 1 else "no conflicts"
    else:
        yield from _matrix(found, screen, width)
        yield from (line for clash in found.clashes for line in _files(clash, found, width))
        yield ""
    if len(found.order) > 1:
        yield from _wrapped("clashes least in this order:", [str(task) for task in found.order], width)


def _matrix(found: Conflicts, screen: Screen, width: int) -> Iterator[str]:
    """The lower half: each task against the base and against those before it."""
    ids = [task.id for task in found.tasks]
    wide = max(len(str(task)) for task in ids) + 2
    if len(ids) > _MOST or wide + 6 + wide * (len(ids) - 1) > width:
        return
    clashing = {(c.task, c.other) for c in found.clashes}
    yield paint(" " * wide + "  base" + "".join(f"{task:>{wide}}" for task in ids[:-1]), "1", screen.colour)
    for at, task in enumerate(ids):
        cells = [_cell((task, None) in clashing, 6, screen)]
        cells += [_cell((other, task) in clashing, wide, screen) for other in ids[:at]]
        yield f"{task:>{wide}}" + "".join(cells)
    yield ""


def _cell(clashes: bool, wide: int, screen: Screen) -> str:
    return " " * (wide - 1) + (paint("x", "31", screen.colour) if clashes else ".")


def _files(clash: Clash, found: Conflicts, width: int) -> Iterator[str]:
    base = next((t.base for t in found.tasks if t.id == clash.task), "")
    other = f"its base {visible(base)}" if clash.other is None else f"task {clash.other}"
    yield cut(f"task {clash.task} and {other}:", width)
    if not clash.paths:
        yield f"  {_UNRELATED}"
    yield from (cut(f"  {visible(path)}", width) for path in clash.paths[:_FILES])
    if len(clash.paths) > _FILES:
        yield f"  and {len(clash.paths) - _FILES} more"


def _wrapped(head: str, words: Sequence[str], width: int) -> Iterator[str]:
    line = head
    for at, word in enumerate(words):
        word = word + ("," if at < len(words) - 1 else "")
        if len(line) + 1 + len(word) > width:
            yield line
            line = " "
        line = f"{line} {word}"
    yield line
