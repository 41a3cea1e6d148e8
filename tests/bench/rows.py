"""The rows of the benchmark: what each one is called, its goal, and how its result is shown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from git_agent.record import Record
from tests.bench.measure import Costs, Spread, spread

if TYPE_CHECKING:
    from tests.bench.stage import Stage

OURS = "ours"
"""The contender that is git agent."""

COLUMNS = ("what is measured", "limit", "best peer", "ours", "ratio (quartiles)", "goal", "")
_WIDTHS = (44, 30, 22, 12, 22, 30, 0)


class Goal(Record):
    """The most that is allowed.

    most: the largest ratio, or the largest number if `of` is empty
    of: the contenders to whose sum ours is compared, each with its factor
    unit: what the number counts; for a ratio, nothing
    at_least: the number or ratio must not be smaller than `most`, instead of not larger
    """

    most: float
    of: tuple[tuple[str, float], ...] = ()
    unit: str = ""
    at_least: bool = False

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        if not self.of:
            return f"{sign} {self.most:g} {self.unit}"
        terms = [name if factor == 1 else f"{factor:g} {name}" for name, factor in self.of]
        return (
            f"{sign} {self.most:g} x {terms[0]}" if len(terms) == 1 else f"{sign} {self.most:g} x ({' + '.join(terms)})"
        )


class Row(Record):
    """One row: its name and its goal, None if the row is printed for information."""

    name: str
    goal: Goal | None = None


class Result(Record):
    """A measured row. met: None if it has no goal; note: what else was seen."""

    row: Row
    limit: str
    peer: str
    ours: str
    ratio: str
    met: bool | None
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the text of each column."""
        goal = "for information" if self.row.goal is None else str(self.row.goal)
        verdict = {None: "", True: "met", False: "NOT MET"}[self.met]
        return (self.row.name, self.limit, self.peer, self.ours, self.ratio, goal, verdict)


class Benchmark(Record):
    """Some rows that share a fixture. run: yields their results in order."""

    rows: tuple[Row, ...]
    run: Callable[[Stage], Iterator[Result]]


def compared(row: Row, costs: Costs, *, against: Sequence[str] = (), peers: Sequence[str] = ()) -> Result:
    """Compare what ours took with the contenders of the goal, round by round.

    against: the contenders to compare with if the row has no goal
    peers: the contenders that are programs of others, of which the fastest is shown
    """
    of = row.goal.of if row.goal else tuple((name, 1.0) for name in against)
    return _compared(row, costs, of, peers, "seconds")


def compared_cpu(row: Row, costs: Costs) -> Result:
    """Compare processor time with the contenders of the goal, round by round."""
    assert row.goal is not None
    return _compared(row, costs, row.goal.of, (), "cpu")


def _compared(row: Row, costs: Costs, of: Sequence[tuple[str, float]], peers: Sequence[str], kind: str) -> Result:
    taken = {name: [getattr(cost, kind) for cost in each] for name, each in costs.items()}
    sums = [
        sum(factor * taken[name][number] for name, factor in of) or 1e-3 for number in range(len(taken[OURS]))
    ]  # a process that takes less than a tick of processor time counts as a millisecond
    ratio = spread([ours / limit for ours, limit in zip(taken[OURS], sums, strict=True)])
    limit = ", ".join(f"{name} {_ms(taken[name])}" for name, _ in of)
    return Result(row, limit, _best(taken, peers), _ms(taken[OURS]), _quartiles(ratio), _is_met(row.goal, ratio.median))


def absolute(
    row: Row, numbers: Sequence[float], unit: str, *, limit: str = "", peer: str = "", note: str = ""
) -> Result:
    """Compare the median of some numbers with the goal itself."""
    found = spread(numbers)
    quartiles = f"({_short(found.low)} to {_short(found.high)})" if len(numbers) > 1 else ""
    met = _is_met(row.goal, found.median)
    return Result(row, limit, peer, f"{_short(found.median)} {unit}", quartiles, met, note)


def line(result: Result) -> str:
    """Show a result in one line of fixed columns."""
    return _padded(result.cells) + (f"  {result.note}" if result.note else "")


def heading() -> str:
    """Return the line above the results."""
    return _padded(COLUMNS)


def _padded(cells: Sequence[str]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _is_met(goal: Goal | None, found: float) -> bool | None:
    if goal is None:
        return None
    seen = round(found, 2)  # what is printed is what counts
    return seen >= goal.most if goal.at_least else seen <= goal.most


def _best(taken: dict[str, list[float]], peers: Sequence[str]) -> str:
    medians = {name: statistics.median(taken[name]) for name in peers if name in taken}
    best = min(medians, key=medians.__getitem__, default=None)
    return f"{best} {_ms(taken[best])}" if best else ""


def _ms(seconds: Sequence[float]) -> str:
    return f"{_short(statistics.median(seconds) * 1000)} ms"


def _quartiles(ratio: Spread) -> str:
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def _short(number: float) -> str:
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"
