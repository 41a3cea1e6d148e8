"""The matrix of conflicts, on a terminal."""

from __future__ import annotations

from itertools import combinations

import pytest

from git_agent.actions.merging.conflicts import Clash, Conflicts
from git_agent.actions.path_claims.outside import Outside
from git_agent.actions.path_claims.overlaps import Overlap
from git_agent.domain.path_claim import PathClaim
from git_agent.domain.task import State
from git_agent.render.conflicts import Pair, conflict_lines, describe_pairs
from git_agent.render.style import Screen
from git_agent.render.text import width
from tests.domain.sample import task

FILES = ("src/a.py", "名前/\x1b[31m.py", "a/very/long/path/that/does/not/fit/into/forty/columns.py", "d", "e")


def found(ids: list[int], *clashes: Clash) -> Conflicts:
    claims = (Overlap(PathClaim(1, State.OPEN, "main", ()), PathClaim(3, State.OPEN, "main", ()), ("src/",)),)
    outside = (Outside(1, None, FILES), Outside(3, 1, ("x",)))
    return Conflicts(tuple(task(id=i, base="main") for i in ids), clashes, tuple(ids), claims, outside)


def test_a_terminal_shows_a_matrix_then_files_claims_and_the_order() -> None:
    shown = conflict_lines(
        found([1, 3, 4, 12], Clash(1, 12, FILES), Clash(3, None, ("x",)), Clash(3, 12, ()), Clash(1, 3, ("d",))),
        Screen(50),
    )
    assert shown == [
        "4 live branches: 3 pairs clash and 1 clashes with",
        "  its base, in 6 files",
        "",
        "      base   1   3",
        "   1     .          fix-login",
        "   3     x   x      fix-login",
        "  12     .   x   x  fix-login",
        "",
        "d                       1 with 3, 12",
        "(no history in common)  3 with 12",
        "a/very/long/path/that/does/not/fit/into/forty/col…",
        "    1 with 12",
        "e                       1 with 12",
        "src/a.py                1 with 12",
        "名前/\\x1b[31m.py        1 with 12",
        "x                       3 with base main",
        "",
        "claimed by several tasks:",
        "src/  1 with 3",
        "",
        "changed outside claims:",
        "a/very/long/path/that/does/not/fit/into/forty/col…",
        "    by 1; not among its own paths",
        "d                 by 1; not among its own paths",
        "e                 by 1; not among its own paths",
        "src/a.py          by 1; not among its own paths",
        "名前/\\x1b[31m.py  by 1; not among its own paths",
        "x                 by 3; claimed by 1",
        "",
        "best merge order: 1, 3, 4, 12",
    ]
    of = found([1, 3], Clash(1, 3, ("x",)), Clash(1, None, ("y",)))._replace(of=1, claims=(), outside=())
    assert conflict_lines(of, Screen(60))[:5] == [
        "task 1 clashes with 1 other task and its base, in 2 files",
        "",
        "x  1 with 3",
        "y  1 with base main",
        "",
    ]


def test_no_line_is_wider_than_the_terminal_and_many_tasks_take_few_lines() -> None:
    ids = list(range(100, 130))
    many = found(ids, *(Clash(one, other, FILES) for one, other in combinations(ids, 2)))
    for columns in (30, 40, 80, 200):
        lines = conflict_lines(many, Screen(columns))
        assert max(map(width, lines)) <= columns and len(lines) < 40
        assert [line for line in lines if line.endswith("100-129 with each other")] and "base" not in lines[2].split()
    each = found(ids, *(Clash(n, n + 1, (f"file {n}",)) for n in ids[:-1]))
    assert "and 10 more files; git agent conflicts TASK lists those of one task" in conflict_lines(each, Screen(80))
    assert "file 128  128 with 129" in conflict_lines(each._replace(of=128), Screen(80))
    # Twenty files have a line each, more only where they are asked for.
    for files, short in ((20, False), (25, True)):
        two = found([1, 2], Clash(1, 2, tuple(f"f{n:02}" for n in range(files))))
        assert ("and 22 more files  1 with 2" in conflict_lines(two, Screen(80))) == short
        assert f"f{files - 1}  1 with 2" in conflict_lines(two._replace(of=1), Screen(80))
    # Only what clashes has a row; the cells give way before the matrix does.
    some = found(ids, *(Clash(n, n + 1, ("x",)) for n in ids[:16]))
    assert conflict_lines(some, Screen(80))[2].split() == ["base", *map(str, ids[:16])]
    assert conflict_lines(found([1])._replace(claims=(), outside=()), Screen(40)) == ["no conflicts"]
    assert conflict_lines(found([1])._replace(of=2, claims=(), outside=()), Screen(40)) == [
        "task 2 has no branch to merge"
    ]
    none = found([1, 2])._replace(claims=(), outside=())
    assert conflict_lines(none, Screen(40)) == [
        "no conflicts among 2 live branches",
        "best merge order: 1, 2",
    ]


SAID: list[tuple[list[Pair], str]] = [
    ([(1, 2)], "1 with 2"),
    ([(1, 2), (1, 3), (2, 3)], "1-3 with each other"),
    ([(1, 7), (2, 7), (3, 7), (5, 7)], "7 with 1-3, 5"),
    ([(1, 4), (1, 5), (2, 4), (2, 5), (3, 4), (3, 5)], "4, 5 with 1-3"),
    ([(1, 2), (3, 4)], "1 with 2; 3 with 4"),
    ([(1, 2), (2, 3), (3, 4), (4, 5), (5, 9)], "5 pairs of 1-5, 9"),
    ([(1, None), (2, None)], "1, 2 with base main"),
    ([(1, 2), (2, None)], "1 with 2; 2 with base main"),
    ([(1, None), (3, None)], "1, 3 with their bases"),
]


@pytest.mark.parametrize(("pairs", "said"), SAID)
def test_who_clashes_with_whom_is_said_in_few_words(pairs: list[Pair], said: str) -> None:
    assert describe_pairs(pairs, {1: "main", 2: "main", 3: "release"}) == said


def test_a_pipe_gets_a_line_for_each_file() -> None:
    lines = conflict_lines(found([1, 3], Clash(1, 3, ("a\nb", "c")), Clash(3, None, ())), Screen())
    assert lines[:3] == ["1\t3\ta\\nb", "1\t3\tc", "3\tbase\t"]
    assert lines[3] == "claim\t1\t3\tsrc/" and lines[-2:] == ["outside\t3\t1\tx", "order\t1\t3"]
