"""The matrix of conflicts, on a terminal."""

from __future__ import annotations

from dataclasses import replace

from git_agent.actions.conflicts import Clash, Conflicts
from git_agent.actions.outside import Outside
from git_agent.actions.overlaps import Overlap
from git_agent.domain.claim import Claim
from git_agent.domain.task import State
from git_agent.render.clashes import conflicts
from git_agent.render.lines import Screen
from git_agent.render.text import width
from tests.domain.sample import task

FILES = ("src/a.py", "名前/\x1b[31m.py", "a/very/long/path/that/does/not/fit/into/forty/columns.py", "d", "e")


def found(ids: list[int], *clashes: Clash) -> Conflicts:
    claims = (Overlap(Claim(1, State.OPEN, "main", ()), Claim(3, State.OPEN, "main", ()), ("src/",)),)
    outside = (Outside(1, None, FILES), Outside(3, 1, ("x",)))
    return Conflicts(tuple(task(id=i, base="main") for i in ids), clashes, tuple(ids), claims, outside)


def test_a_terminal_shows_a_matrix_then_files_claims_and_the_order() -> None:
    shown = conflicts(found([1, 3, 12], Clash(1, 12, FILES), Clash(3, None, ("x",)), Clash(3, 12, ())), Screen(40))
    assert shown == [
        "      base   1   3",
        "   1     .",
        "   3     x   .",
        "  12     .   x   x",
        "",
        "task 1 and task 12:",
        "  src/a.py",
        "  名前/\\x1b[31m.py",
        "  a/very/long/path/that/does/not/fit/in…",
        "  and 2 more",
        "task 3 and its base main:",
        "  x",
        "task 3 and task 12: no history in common",
        "",
        "task 1 and task 3 both claim:",
        "  src/",
        "task 1 changed what its own paths do no…",
        "  src/a.py",
        "  名前/\\x1b[31m.py",
        "  a/very/long/path/that/does/not/fit/in…",
        "  and 2 more",
        "task 3 changed what task 1 claims:",
        "  x",
        "",
        "clashes least in this order: 1, 3, 12",
    ]


def test_no_line_is_wider_than_the_terminal_and_a_great_matrix_is_left_out() -> None:
    many = found(list(range(100, 130)), *(Clash(n, n + 1, FILES) for n in range(100, 129)))
    for columns in (30, 40, 80, 200):
        lines = conflicts(many, Screen(columns))
        assert max(map(width, lines)) <= columns and "base" not in lines[0].split()
    assert conflicts(replace(found([1]), claims=(), outside=()), Screen(40)) == ["no conflicts"]
    none = replace(found([1, 2]), claims=(), outside=())
    assert conflicts(none, Screen(40)) == ["no conflicts among 2 live branches", "clashes least in this order: 1, 2"]


def test_a_pipe_gets_a_line_for_each_file() -> None:
    lines = conflicts(found([1, 3], Clash(1, 3, ("a\nb", "c")), Clash(3, None, ())), Screen())
    assert lines[:3] == ["1\t3\ta\\nb", "1\t3\tc", "3\tbase\t"]
    assert lines[3] == "claim\t1\t3\tsrc/" and lines[-2:] == ["outside\t3\t1\tx", "order\t1\t3"]
