"""Merging many pairs at once says what git says of each pair alone."""

from __future__ import annotations

import os
import random
import re
from itertools import permutations
from pathlib import Path

import pytest

from git_agent.git import versions
from git_agent.git.merging.inputs import merge_inputs
from git_agent.git.merging.merge import Clean, try_merge, try_merges
from git_agent.git.merging.pairs import merge_pairs
from git_agent.git.merging.rebase import Conflict
from git_agent.git.repo import Repo
from tests.hooks.newer_git import any_git as any_git
from tests.hooks.newer_git import newer_git as newer_git
from tests.sandbox import Sandbox

FILES = ["a", "dir/b", "dir/c", "dir/deep/d", "other/e", "sp ace", "tab\tname", 'quo"te', "ünï", "new\nline"]


def history(repo: Sandbox, seed: int, branches: int) -> list[str]:
    """Make branches of one commit each that edit, delete, rename, chmod and add files at random; return their tips."""
    chance = random.Random(seed)
    lines = [f"{n}" for n in range(12)]
    for name in FILES:
        repo.write(name, "\n".join([name, *lines]) + "\n")
    repo.write("binary", bytes(range(256)))
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "Begin")
    start = repo.git("rev-parse", "HEAD")
    tips = []
    for at in range(branches):
        repo.git("checkout", "--quiet", "--detach", start)
        for _ in range(chance.randrange(1, 6)):
            _change(repo, chance, at)
        repo.git("add", "--all")
        repo.git("commit", "--quiet", "--allow-empty", "--message", f"Branch {at}")
        tips.append(repo.git("rev-parse", "HEAD"))
    return tips


def _change(repo: Sandbox, chance: random.Random, at: int) -> None:
    name = chance.choice(FILES)
    file, kind = repo.path / name, chance.randrange(8)
    if kind == 0:
        file.unlink(missing_ok=True)
    elif kind == 1 and file.is_file():
        file.chmod(0o755)
    elif kind == 2 and file.is_file():
        repo.write(f"moved/{chance.randrange(3)}", file.read_bytes())
        file.unlink()
    elif kind == 3 and (repo.path / "dir").is_dir():
        (repo.path / "dir").rename(repo.path / f"dir{chance.randrange(3)}")
    elif kind == 4:
        repo.write("binary", bytes([at]) * 256)
    elif kind == 5 and not file.parent.is_file():
        repo.write(f"dir/new{chance.randrange(2)}", f"{at}\n")
    elif kind == 6 and not (repo.path / "a").is_dir():
        (repo.path / "a").unlink(missing_ok=True)
        repo.write("a/inside", f"{at}\n")
    elif file.is_file():
        text = file.read_bytes().split(b"\n")
        text[chance.randrange(len(text))] = f"branch {at}".encode()
        file.write_bytes(b"\n".join(text))


def alone(repo: Sandbox, a: str, b: str) -> set[str] | None:
    """Ask git about one pair; return the paths in conflict, None for a clean merge; a file moved aside by its name."""
    done = repo.run("git", "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", a, b)
    paths = [path.split(f"~{a}")[0].split(f"~{b}")[0] for path in done.out.split("\0")[1:] if path]
    return None if done.code == 0 else set(paths)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("known", [(2, 39, 0), (2, 38, 0)], ids=["one process", "one a pair"])
def test_pairs_at_once_give_what_each_gives_alone(
    repo: Sandbox, seed: int, known: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if known < (2, 39, 0):
        monkeypatch.setattr(versions, "git_version", lambda: known)
    tips = history(repo, seed, 7)
    pairs = list(permutations(tips, 2))
    before = set((repo.path / ".git/objects").rglob("*"))
    found = try_merges(Repo.open(str(repo.path)), tips[0], pairs)
    assert set((repo.path / ".git/objects").rglob("*")) == before
    said = [None if each is None else set(each.paths) for each in found]
    assert said == [alone(repo, a, b) for a, b in pairs]
    assert None in said and any(said), "neither clean nor clashing"


def test_no_expression_is_compiled_for_each_pair(repo: Sandbox) -> None:
    tips = history(repo, 1, 7)
    compiled = len(re._cache)  # type: ignore[attr-defined]
    assert any(try_merges(Repo.open(str(repo.path)), tips[0], list(permutations(tips, 2))))
    assert len(re._cache) - compiled < 20  # type: ignore[attr-defined]


def test_a_file_that_is_moved_aside_is_listed_under_its_own_name(repo: Sandbox) -> None:
    one = repo.commit(None, "thing", "a file\n")
    repo.git("checkout", "--quiet", "--detach", "HEAD~1")
    other = repo.commit(None, "thing/inside", "a directory\n")
    named = f"name~{'0' * 40}"
    opened = Repo.open(str(repo.path))
    assert merge_pairs(opened, [(one, other)])[0].paths == (f"thing~{one}",)
    assert try_merges(opened, one, [(one, other)]) == [Conflict(("thing",))]
    repo.git("checkout", "--quiet", "--detach", one)
    begin = repo.commit(None, named, "begin\n")
    ends = []
    for text in ("one\n", "other\n"):
        repo.git("checkout", "--quiet", "--detach", begin)
        ends.append(repo.commit(None, named, text))
    assert try_merges(opened, begin, [(ends[0], ends[1])]) == [Conflict((named,))]


def test_pairs_are_merged_on_all_processors(
    repo: Sandbox, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pairs = list(permutations(history(repo, 1, 10), 2))
    opened = Repo.open(str(repo.path))
    monkeypatch.setenv("GIT_AGENT_TRACE", "1")
    capfd.readouterr()
    assert len(merge_pairs(opened, pairs)) == len(pairs)
    started = [line for line in capfd.readouterr().err.splitlines() if "'merge-tree'" in line]
    assert len(started) == min(len(os.sched_getaffinity(0)), len(pairs) // 20)


def test_many_pairs_are_told_in_between_and_stay_in_order(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    tips = history(repo, 2, 7)
    pairs = list(permutations(tips, 2))
    opened = Repo.open(str(repo.path))
    whole = merge_pairs(opened, pairs)
    monkeypatch.setattr("git_agent.git.merging.pairs._AT_ONCE", 3)
    told: list[int] = []
    assert merge_pairs(opened, pairs, progress=told.append) == whole
    assert told == sorted(told) and 0 < told[0] < len(pairs)


def test_histories_with_nothing_in_common_conflict_on_no_path(repo: Sandbox) -> None:
    one = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "--quiet", "--orphan", "other")
    other = repo.commit(None, "README.md", "# Another\n")
    third = repo.commit(None, "more", "more\n")
    opened = Repo.open(str(repo.path))
    pairs = [(other, third), (one, other), (third, other)]
    assert try_merges(opened, one, pairs) == [None, Conflict(()), None]
    assert merge_pairs(opened, [(one, other)], unrelated=True)[0].paths


def test_attributes_and_configuration_are_terms_of_a_merge(repo: Sandbox) -> None:
    repo.commit(None, "log", "begin\n")
    start = repo.git("rev-parse", "HEAD")
    one = repo.commit(None, "log", "begin\none\n")
    repo.git("checkout", "--quiet", "--detach", start)
    other = repo.commit(None, "log", "begin\nother\n")
    repo.git("checkout", "--quiet", "main")
    opened = Repo.open(str(repo.path))
    assert try_merges(opened, one, [(one, other)]) == [Conflict(("log",))]
    plain = merge_inputs(opened, one)
    repo.commit(None, "unrelated", "x\n")
    assert merge_inputs(opened, repo.git("rev-parse", "HEAD")) == plain
    union = repo.commit(None, "sub/.gitattributes", "log merge=union\n")
    assert merge_inputs(opened, union) != plain
    union = repo.commit(None, ".gitattributes", "log merge=union\n")
    assert try_merges(opened, union, [(one, other)]) == [None]
    repo.git("config", "merge.renames", "false")
    assert merge_inputs(opened, one) != plain


def test_the_user_s_attributes_and_line_endings_are_terms_of_a_merge(
    repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = repo.commit(None, "log", "begin\nend\n")
    one = repo.commit(None, "log", "begin\none\nend\n")
    repo.git("checkout", "--quiet", "--detach", start)
    other = repo.commit(None, "log", "begin\nother\nend\n")
    repo.git("checkout", "--quiet", "--detach", start)
    endings = repo.commit(None, "log", "begin\r\nend\r\n")
    opened, seen = Repo.open(str(repo.path)), set[str]()

    def clashes(tip: str) -> bool:
        """Tell what git says, under terms that were never seen before."""
        term = merge_inputs(opened, start)
        assert term == merge_inputs(opened, start) and term not in seen
        seen.add(term)
        return try_merges(opened, start, [(one, tip)]) != [None]

    assert clashes(other)
    default = Path(repo.write(tmp_path / "xdg/git/attributes", "log merge=union\n"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert not clashes(other)
    default.write_text("log -merge\n")
    assert clashes(other)
    repo.git("config", "core.attributesFile", "~/mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert clashes(other)
    (tmp_path / "mine").write_text("log merge=union\n")
    assert not clashes(other)
    (tmp_path / "mine").unlink()
    repo.git("config", "merge.renormalize", "true")
    assert clashes(endings)
    repo.git("config", "core.autocrlf", "input")
    assert not clashes(endings)


@pytest.mark.usefixtures("any_git")
@pytest.mark.parametrize("bare", [False, True])
def test_attributes_are_the_base_s_alone_whatever_is_checked_out(repo: Sandbox, tmp_path: Path, bare: bool) -> None:
    """Up to git 2.40 they are written out for merge-tree, from 2.41 on it reads them (--attr-source)."""
    start = repo.commit(None, "sub/log", "begin\n")
    one = repo.commit(None, "sub/log", "begin\none\n")
    repo.git("checkout", "--quiet", "--detach", start)
    other = repo.commit(None, "sub/log", "begin\nother\n")
    repo.git("checkout", "--quiet", "--detach", one)
    union = repo.commit(None, "sub/.gitattributes", "log merge=union\n")
    opened = Repo.open(str(repo.path))
    if bare:
        repo.git("clone", "--quiet", "--mirror", ".", tmp_path / "bare.git")
        repo.git("push", "--quiet", tmp_path / "bare.git", f"{union}:refs/x/1", f"{other}:refs/x/2")
        opened = Repo.open(str(tmp_path / "bare.git"))

    def said(base: str) -> tuple[bool, bool]:
        alone = try_merge(opened, base, other)
        return isinstance(alone, Clean), try_merges(opened, base, [(base, other)]) == [None]

    assert (said(union), said(one)) == ((True, True), (False, False))
    # What is checked out, staged or lies about counts neither way.
    repo.git("checkout", "--quiet", "--detach", one)
    repo.write("sub/.gitattributes", "log merge=union\n")
    assert said(one) == (False, False)
    repo.git("add", "sub/.gitattributes")
    assert said(one) == (False, False)
    repo.write("sub/.gitattributes", "log -merge\n")
    assert (said(union), said(one)) == ((True, True), (False, False))
    # The repository's own file counts above all.
    Path(opened.common_dir, "info").mkdir(exist_ok=True)
    Path(opened.common_dir, "info/attributes").write_text("log -merge\n")
    assert (said(union), said(one)) == ((False, False), (False, False))
