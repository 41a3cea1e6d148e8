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
    elif not found.clashes:
        among = f" among {len(found.tasks)} live branches" if len(found.tasks) > 1 else ""
        yield f"no conflicts{among if found.of is None else f' of task {found.of}'}"
    else:
        yield from _matrix(found, screen, width)
        yield from (line for clash in found.clashes for line in _listed(_sides(clash, found), clash.paths, width))
        yield ""
    for claim in found.claims:
        head = f"task {claim.claim.task} and task {claim.other.task} both claim:"
        yield from _listed(head, claim.paths, width)
    for each in found.outside:
        whose = "its own paths do not have" if each.claimed_by is None else f"task {each.claimed_by} claims"
        yield from _listed(f"task {each.task} changed what {whose}:", each.paths, width)
    if found.claims or found.outside:
        yield ""
    if len(found.order) > 1:
        yield from _wrapped("clashes least in this order:", [str(task) for task in found.order], width)


def _matrix(found: Conflicts, screen: Screen, width: int) -> Iterator[str]:
    """The lower half: each task against the base and against those before it."""
    ids = [task.id for task in found.tasks]
    wide = max(len(str(task)) for task in ids) + 2
    if found.of is not None or len(ids) > _MOST or wide + 6 + wide * (len(ids) - 1) > width:
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


def _sides(clash: Clash, found: Conflicts) -> str:
    base = next((t.base for t in found.tasks if t.id == clash.task), "")
    other = f"its base {visible(base)}" if clash.other is None else f"task {clash.other}"
    return f"task {clash.task} and {other}:" if clash.paths else f"task {clash.task} and {other}: {_UNRELATED}"


def _listed(head: str, paths: Sequence[str], width: int) -> Iterator[str]:
    yield cut(head, width)
    yield from (cut(f"  {visible(path)}", width) for path in paths[:_FILES])
    if len(paths) > _FILES:
        yield f"  and {len(paths) - _FILES} more"


def _wrapped(head: str, words: Sequence[str], width: int) -> Iterator[str]:
    line = head
    for at, word in enumerate(words):
        word = word + ("," if at < len(words) - 1 else "")
        if len(line) + 1 + len(word) > width:
            yield line
            line = " "
        line = f"{line} {word}"
    yield line
