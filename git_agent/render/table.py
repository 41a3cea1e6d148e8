"""Tables: aligned and cut to the width of a terminal, tab-separated in a pipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from git_agent.record import Record
from git_agent.render.style import paint
from git_agent.render.text import cut, pad, visible, width

_GAP = 2
_LEAST = 8


class Column(Record):
    """One column.

    right: align to the right
    stretch: cut this column first on a narrow terminal
    spare: drop this column if cutting is not enough, the greatest number first; 0: never
    """

    title: str
    right: bool = False
    stretch: bool = False
    spare: int = 0


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    terminal_width: int | None,
    colour: Callable[[int, int], str] | None = None,
) -> list[str]:
    """Format rows of untrusted text as lines, with control characters escaped.

    terminal_width: columns of the terminal, None for a pipe (tab-separated, without a heading; all cells of a row,
        even if there are more than columns)
    colour: returns the SGR code for (row, column), "" for none
    """
    cells = [[visible(cell).replace("\t", " ") for cell in row] for row in rows]
    if terminal_width is None:
        paints = colour or (lambda number, at: "")
        return [
            "\t".join(paint(cell, paints(n, at), True) for at, cell in enumerate(row)) for n, row in enumerate(cells)
        ]
    widths = _widths(columns, cells, terminal_width)
    gap = _GAP * " "
    lines = [gap.join(pad(columns[at].title, w, columns[at].right) for at, w in widths.items()).rstrip()]
    for number, row in enumerate(cells):
        shown = {at: pad(cut(row[at], w), w, columns[at].right) for at, w in widths.items()}
        if colour is not None:
            shown = {at: paint(cell, colour(number, at), True) for at, cell in shown.items()}
        lines.append(gap.join(shown.values()).rstrip())
    return lines


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], available: int) -> dict[int, int]:
    """Return the widths of the columns to show, by index."""
    widths = {at: max([width(c.title), *(width(row[at]) for row in cells)]) for at, c in enumerate(columns)}
    for at in sorted(widths, key=lambda at: -columns[at].spare):
        if columns[at].spare and _excess({n: min(w, _LEAST) for n, w in widths.items()}, available) > 0:
            del widths[at]
    for at in sorted(widths, key=lambda at: (not columns[at].stretch, -widths[at])):
        widths[at] -= max(0, min(_excess(widths, available), widths[at] - _LEAST))
    return widths


def _excess(widths: Mapping[int, int], available: int) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1) - available
