"""Tables: aligned and cut to the terminal for people, tab-separated lines for pipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from git_agent.render.style import paint
from git_agent.render.text import cut, pad, visible, width

_GAP = 2
_LEAST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """One column. right: aligned to the right; stretch: is cut first when the terminal is narrow."""

    title: str
    right: bool = False
    stretch: bool = False


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    terminal_width: int | None,
    colour: Callable[[int, int], str] | None = None,
) -> list[str]:
    """Lay out rows of untrusted text, control characters made visible.

    terminal_width: columns of the terminal, None for a pipe (tab-separated, no heading); colour: the SGR code of
    (row, column), "" for none.
    """
    cells = [[visible(cell).replace("\t", " ") for cell in row] for row in rows]
    if terminal_width is None:
        return ["\t".join(row) for row in cells]
    widths = _widths(columns, cells, terminal_width)
    heading = _GAP * " "
    lines = [heading.join(pad(c.title, w, c.right) for c, w in zip(columns, widths, strict=True)).rstrip()]
    for number, row in enumerate(cells):
        shown = [pad(cut(cell, w), w, c.right) for cell, c, w in zip(row, columns, widths, strict=True)]
        if colour is not None:
            shown = [paint(cell, colour(number, at), True) for at, cell in enumerate(shown)]
        lines.append(heading.join(shown).rstrip())
    return lines


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], available: int) -> list[int]:
    natural = [max([width(c.title), *(width(row[at]) for row in cells)]) for at, c in enumerate(columns)]
    spare = sum(natural) + _GAP * (len(columns) - 1) - available
    for at in sorted(range(len(columns)), key=lambda i: (not columns[i].stretch, -natural[i])):
        if spare <= 0:
            break
        cutting = min(spare, max(0, natural[at] - _LEAST))
        natural[at] -= cutting
        spare -= cutting
    return natural
