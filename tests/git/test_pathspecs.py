"""Pathspecs: git says what they match, and what we say without files never misses what git would find."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from git_agent.domain.path_claim import certain_overlaps, may_match, may_overlap, parse_pathspec
from git_agent.errors import AgentError
from git_agent.git import pathspecs
from git_agent.git.repo import Repo
from tests.sandbox import Sandbox

FILES = (
    "a",
    "A",
    "b.py",
    "src/a.py",
    "src/b.c",
    "src/deep/a.py",
    "src/deep/er/x",
    "srcs/a",
    "docs/[x]",
    "docs/a*b",
    "é",
)
PARTS = (
    "a",
    "A",
    "src",
    "src/",
    "deep",
    "a.py",
    "*",
    "*.py",
    "**",
    "?",
    "[ab]",
    "[!a]",
    "docs",
    "\\[x]",
    "x",
    "b.c",
    "é",
)
MAGIC = (
    "",
    "",
    "",
    "",
    ":/",
    ":!",
    ":^",
    ":(icase)",
    ":(glob)",
    ":(literal)",
    ":(exclude)",
    ":(top,icase)",
    ":(exclude,glob)",
)


@pytest.fixture
def files(repo: Sandbox) -> tuple[Repo, str]:
    for name in FILES:
        repo.write(name, "x\n")
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "Files")
    return Repo.open(str(repo.path)), repo.git("rev-parse", "HEAD")


def some(chance: random.Random) -> list[str]:
    """Make a list of pathspecs."""
    parts = lambda: "/".join(chance.choices(PARTS, k=chance.choice((1, 1, 2, 3)))).replace("//", "/")  # noqa: E731
    return [chance.choice(MAGIC) + parts() for _ in range(chance.choice((1, 1, 2, 3)))]


def test_what_both_match_is_never_missed(files: tuple[Repo, str]) -> None:
    opened, commit = files
    chance = random.Random(5)
    lists = [some(chance) for _ in range(150)]
    matched = [pathspecs.tracked_paths(opened, commit, tuple(each)) for each in lists]
    certain = 0
    for (one, ours), (other, theirs) in combinations(zip(lists, matched, strict=True), 2):
        assert may_overlap(one, other) or not ours & theirs, (one, other, ours & theirs)
        certain += not may_overlap(one, other)
    assert certain > 1000 and sum(map(bool, matched)) > 50
    for each, found in zip(lists, matched, strict=True):
        assert all(may_match([path], each) for path in found), each


@pytest.mark.parametrize("path", ["a", "src", "src/deep/", "docs/[x]", "src/a.py", "./src//deep"])
def test_a_path_meets_what_matches_it(files: tuple[Repo, str], path: str) -> None:
    opened, _ = files
    chance, exact, hits = random.Random(7), f":(literal){path}", 0
    entry = path.replace("./", "").replace("//", "/").rstrip("/")
    blob = opened.git("hash-object", "-w", "--stdin", stdin=b"x").text
    env = {"GIT_INDEX_FILE": f"{opened.common_dir}/scratch-index"}
    opened.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{entry}", env=env)
    tree = opened.git("write-tree", env=env).text
    for spec in [some(chance)[0] for _ in range(400)]:
        if not spec.startswith((":!", ":^", ":(exclude")) and pathspecs.tracked_paths(opened, tree, (spec,)):
            assert certain_overlaps([spec], [exact]) and certain_overlaps([exact], [spec]), (spec, exact)
            hits += 1
    assert hits > 10


@pytest.mark.parametrize(
    ("ours", "theirs", "met"),
    [
        (["src/"], ["src"], ["src/"]),
        (["src"], ["srcs"], []),
        (["src/new"], ["src"], ["src/new"]),
        ([], ["src"], []),
        (["."], ["x"], ["x"]),
        (["src", ":!src/gen"], ["src/gen"], []),
        (["src", ":(exclude,glob)src/**/gen"], ["src/x/gen"], []),
        (["src", ":!src/gen"], ["src/gens"], ["src/gens"]),
        (["*.py"], ["src/new.py"], ["src/new.py"]),
        ([":(glob)*.py"], ["src/new.py"], []),
        ([":(glob)**/*.py"], ["src/new.py"], ["src/new.py"]),
        (["src/*.py"], ["src/"], ["src/*.py"]),
        (["*.py"], ["src/"], []),  # only the files that are there can tell
        (["*.py"], ["*.py"], ["*.py"]),
        ([":(icase)SRC"], ["src/a"], ["src/a"]),
        ([":!docs"], ["src"], []),  # all but docs: no pathspec of its own can be named, the files tell
        ([":(literal)*"], ["x"], []),
        (["[ab"], ["[ab"], ["[ab"]),
    ],
)
def test_paths_meet_whatever_files_there_are(ours: list[str], theirs: list[str], met: list[str]) -> None:
    assert certain_overlaps(ours, theirs) == tuple(met)


@pytest.mark.parametrize("text", ["..", "../x", "src/../../x", ":/../..", "/etc", ":(top)/etc", ":(bogus)x", ":(glob"])
def test_what_leads_outside_or_is_none_is_refused(files: tuple[Repo, str], text: str) -> None:
    def claim() -> None:
        parse_pathspec(text)
        pathspecs.check_pathspecs(files[0], [text])

    with pytest.raises(AgentError, match=r"outside|can't read"):
        claim()


def test_options_are_paths(files: tuple[Repo, str]) -> None:
    opened, commit = files
    pathspecs.check_pathspecs(opened, ["--output=x", "-p", ":(icase)--x"])
    assert pathspecs.tracked_paths(opened, commit, ("--output=x",)) == frozenset()


@pytest.mark.parametrize("odd", ["[z-a]", "*[!]x", "[a\\]b]x", "[[:alpha:]]", "["])
def test_a_pattern_that_is_no_regular_expression_stops_nothing(repo: Sandbox, odd: str) -> None:
    repo.agent("add", "One", "--path", odd)
    repo.agent("add", "Two", "--path", "m")
    repo.agent("conflicts")
