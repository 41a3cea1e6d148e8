"""Titles are stored as they are and shown made visible; names and refs that could do harm are refused by rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sandbox import Sandbox
from tests.store.children import run

TITLES = {
    "\x1b]52;c;cm0gLXJmIC8=\x07 copied": r"\x1b]52;c;cm0gLXJmIC8=\x07 copied",
    "over\rwritten": r"over\rwritten",
    "csi \x9b31m": r"csi \x9b31m",
    "abc \u202edcba\u202c": r"abc \u202edcba\u202c",
    "zero\u200bwidth": r"zero\u200bwidth",
    "%s %d %(x)s": "%s %d %(x)s",
    "{} {0} {name!r}": "{} {0} {name!r}",
    "\"quoted\" 'text' `id` $(id) \\": "\"quoted\" 'text' `id` $(id) \\",
    "'; drop table task; --": "'; drop table task; --",
    "[bold]rich[/bold]": "[bold]rich[/bold]",
    "a\ttab": r"a\ttab",
    "日本語 👩‍💻 é": "日本語 👩‍💻 é",
}


def test_a_hostile_title_is_stored_as_it_is_and_shown_escaped(repo: Sandbox) -> None:
    results = repo.parallel([("add", "--json", "--title", title) for title in TITLES])
    ids = {result.json()["task"]["id"]: title for result, title in zip(results, TITLES, strict=True)}
    assert {task["id"]: task["title"] for task in repo.tasks().values()} == ids
    listed = {int(line.split("\t")[0]): line.split("\t")[7] for line in repo.agent("list").out.splitlines()}
    # Columns are told by tabs, so a tab within a cell is escaped, too.
    assert listed == {task: TITLES[title] for task, title in ids.items()}


@pytest.mark.parametrize("verb", ["show", "log", "status"])
def test_what_is_shown_of_a_hostile_task_drives_no_terminal(repo: Sandbox, verb: str) -> None:
    evil = "\x1b]52;c;AAAA\x07\r\x9b2J\u202e"
    repo.agent("spawn", "--title", evil, "--agent", evil, "--path", evil, "--check", evil, "-F", "-", stdin=evil)
    repo.agent("start", "1")
    repo.agent("ask", evil, "--task", "1")
    repo.agent("heartbeat", "1", "-m", evil)
    said = repo.agent(verb, *([] if verb == "status" else ["1"]))
    assert not {"\x1b", "\x07", "\r", "\x9b", "\u202e"} & set(said.out + said.err), said
    assert r"\x1b]52;c;AAAA" in said.out


@pytest.mark.rest
def test_what_git_and_agents_say_drives_no_terminal_either(repo: Sandbox, tmp_path: Path) -> None:
    evil, branch = "\x1b]52;c;AAAA\x07\x1b[2J\u202e\u200b", "ev\u202eil"
    repo.git("branch", branch)
    where = Path(repo.agent("spawn", "Fix", "--name", "fix", "--branch", branch).out.strip())
    (where / f"{evil}\nname-\udcff").write_text("x\n")
    repo.git("add", "--all", cwd=where)
    author = ("-c", f"user.name=Eve{evil}", "-c", "user.email=\x9b@eve")
    repo.git(*author, "commit", "--quiet", "-m", f"subject {evil} \udcff", cwd=where)
    (where / f"{evil}-untracked-\udcff").write_text("x\n")
    told = tmp_path / "told"
    told.write_bytes(evil.encode() + b"\xff\n")
    repo.agent("run", "1", "--", "cat", told, exit=None)
    repo.agent("send", "#topic", evil), repo.agent("send", "@human", evil, cwd=where)
    shown = ["status", "status 1", "list", "show 1", "log", "log 1", "logs 1", "prime 1", "inbox", "tail topic", "ps"]
    said = {line: repo.agent(*line.split()) for line in shown}
    said |= {line: repo.agent(*line.split(), exit=3) for line in ("done 1", "rm 1")}
    repo.agent("cancel", "1")
    said["rm 1 again"] = repo.agent("rm", "1", exit=3)
    for line, each in said.items():
        assert not {*"\x1b\x07\r\x9b\u202e\u200b\udcff"} & set(each.out + each.err), (line, each)
    assert r"\u202e" in said["logs 1"].out and r"\udcff" in said["done 1"].err and r"\x1b[2J" in said["log 1"].out
    for line in (*shown, "path 1"):
        out = repo.agent(*line.split(), "--json").out
        assert [json.loads(each) for each in (out.splitlines() if line.split()[0] == "log" else [out])]


def test_a_row_that_was_changed_by_hand_never_becomes_an_option(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("spawn", "Fix")
    evil = f"--output={tmp_path}/evil"
    code = """
    store = Store.open(sys.argv[1], create=False)
    with store.transaction():
        store.tasks.put(1, **dict.fromkeys(sys.argv[3:], sys.argv[2]))
    """
    for columns in (("base_oid", "base"), ("head_oid", "reviewed_oid", "branch")):
        run(code, repo.store.parent, evil, *columns)
        for line in ("show 1", "log 1", "status", "diff 1 --json", "path 1", "merge 1", "prime 1", "done 1"):
            repo.agent(*line.split(), exit=None)
    assert {path.name for path in tmp_path.iterdir()} == {"my repo", "my repo.worktrees"}


def test_a_title_may_start_with_a_dash_when_it_is_said_to_be_one(repo: Sandbox) -> None:
    results = repo.parallel(
        [("add", "--json", "--title", "-x"), ("add", "--json", "--title=--help"), ("add", "--json", "--", "--json")]
    )
    assert [result.json()["task"]["title"] for result in results] == ["-x", "--help", "--json"]
    assert repo.agent("add", "-x", exit=2).err.startswith("error: no such option '-x'")


NAMES = {
    "-x": "starts with '-'",
    "--upload-pack=x": "starts with '-'",
    "../evil": "starts with '.'",
    "/abs": "contains '/'",
    "a/../b": "contains '/'",
    "a;b": "contains ';'",
    "a$(id)": "contains '$'",
    "`id`": "contains '`'",
    "'quoted'": 'contains "\'"',
    "two\nlines": "a control character",
    "": "it is empty",
    "x" * 300: "longer than 60 bytes",
    "HEAD": "reserved",
    "FETCH_HEAD": "reserved",
    "main": "reserved",
    "@": "reserved",
    "con": "reserved",
    "x.lock": "ends in '.' or '.lock'",
    "7": "look like an id",
    "x.a2": "like an attempt",
    "zero\u200bwidth": "invisible",
    b"not-utf-8-\xff".decode(errors="surrogateescape"): "not valid UTF-8",
}


def test_a_bad_name_is_a_usage_error_that_names_the_rule(repo: Sandbox) -> None:
    results = repo.parallel([("spawn", "Quite fine", f"--name={name}") for name in NAMES])
    for result, rule in zip(results, NAMES.values(), strict=True):
        assert result.code == 2 and result.err.startswith("error: ") and rule in result.err, result
        assert result.err.count("\n") == 2 and "\nhint: " in result.err, result
    assert _nothing_happened(repo)


BASES = ("--upload-pack=x", "../evil", "a..b", "a;b$(touch$IFS'evil')", "x.lock", "HEAD", "@{-1}", "", "two\nlines")


@pytest.mark.parametrize("option", ["--base", "--branch"])
def test_a_bad_branch_is_refused_and_never_read_as_an_option(repo: Sandbox, option: str) -> None:
    results = repo.parallel([("spawn", f"Fine {n}", f"{option}={name}") for n, name in enumerate(BASES)])
    # What git allows, with a semicolon, is a branch that is not there.
    codes = {name: result.code for name, result in zip(BASES, results, strict=True)}
    assert codes == {name: 1 if name.startswith("a;b") else 2 for name in BASES}, results
    assert _nothing_happened(repo)


REFS = ("--upload-pack=x", "../evil", "a;b", "$(touch evil)", "two\nlines", "", "x" * 300, "HEAD", "main", "x.lock")


def test_a_bad_task_is_unknown_and_nothing_is_run(repo: Sandbox) -> None:
    repo.agent("add", "Fix login")
    results = repo.parallel([("path", "--", ref) for ref in REFS])
    assert {(result.code, result.err.splitlines()[0][:24]) for result in results} == {(1, "error: there is no task ")}
    oids = repo.parallel([("approve", "1", f"--at={ref}") for ref in REFS])
    assert {result.code for result in oids} == {3}, oids  # it is OPEN: the state is looked at first
    assert not list(repo.path.parent.rglob("evil"))


def _nothing_happened(repo: Sandbox) -> bool:
    there = {path.name for path in repo.path.parent.iterdir()}
    return repo.tasks() == {} and there == {"my repo"} and not Path(repo.path, "evil").exists()


def test_a_text_beyond_its_limit_is_refused_with_the_limit(repo: Sandbox) -> None:
    big = repo.write("big.txt", "x" * 10_000_000)
    repo.agent("spawn", "Fix login")
    repo.agent("start", "1")
    assert "at most 200" in repo.agent("edit", "1", "--title", "x" * 201, exit=2).err
    assert "65536" in repo.agent("add", "Fine", "-F", big, exit=2).err.replace(",", "")
    assert "65536" in repo.agent("ask", "x" * 70_000, "--task", "1", exit=2).err.replace(",", "")
    assert repo.tasks()[1]["hold"] is None
