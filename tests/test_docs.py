"""The printed documents say what is: `make docs` writes them, and here they must be as it would write them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from git_agent.config import KEYS
from git_agent.domain.task import MOVES
from git_agent.errors import Exit
from git_agent.render.contract import (
    ANSWERS,
    EVENT,
    EXITS,
    MESSAGE,
    NEED,
    OPERATION,
    RESCUE,
    SESSION,
    TASK,
)
from tests.documents import DOCUMENTS, ROOT, squeezed
from tests.sandbox import Sandbox
from tests.terminals import needed

PAGE = ROOT / "docs/man/git-agent.1"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.rest if name == "docs/tour.md" else ()) for name in DOCUMENTS]
)
def test_a_printed_document_is_up_to_date(name: str) -> None:
    written = (ROOT / name).read_text()
    if "```console" in written:
        needed()
    printed = DOCUMENTS[name]()
    assert squeezed(written) == squeezed(printed), "make docs prints it again"


def test_every_change_is_told_in_a_sentence() -> None:
    fragments = [path for path in (ROOT / "docs/changes").glob("*.md") if path.name != "README.md"]
    assert [path.name for path in fragments if not re.search(r"\w+ \w+[^.]*\.", path.read_text())] == []


def test_every_row_of_the_state_table_is_printed() -> None:
    rows = re.findall(r"(?m)^\| .* \| `([a-z-]+)` \| ([A-Z_]+)", (ROOT / "docs/states.md").read_text())
    assert rows == [(str(move.step), str(move.target)) for move in MOVES]


def test_every_key_that_is_offered_is_read() -> None:
    sources = [p.read_text() for p in (ROOT / "git_agent").rglob("*.py") if p.name not in ("contract.py", "docs.py")]
    read = {key for text in sources for key in re.findall(r'"(agent\.\w+)"', re.sub(r'\bKey\(\s*"[\w.]+"', "", text))}
    assert [key.name for key in KEYS if key.name not in read] == []


def test_every_exit_code_is_explained() -> None:
    assert set(EXITS) == {int(code) for code in Exit}


def test_objects_have_the_documented_keys(repo: Sandbox) -> None:
    path = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.commit(path, "fix.txt", "fixed\n")
    repo.agent("done", "-m", "please look", cwd=path)
    task = repo.agent_json("show", "1")["task"]
    assert set(task) == set(TASK) and [key for key in task if _odd(task[key], TASK[key][0])] == []
    lines = [json.loads(line) for line in repo.agent("log", "1", "--json").out.splitlines()]
    said = {kind: line[kind] for line in lines for kind in ("event", "message", "commit") if kind in line}
    assert set(said["event"]) == set(EVENT) and set(said["message"]) == set(MESSAGE)
    assert [key for key in said["event"] if _odd(said["event"][key], EVENT[key][0])] == []
    assert [key for key in said["message"] if _odd(said["message"][key], MESSAGE[key][0])] == []
    assert set(said["commit"]) == {"oid", "subject", "author"}
    assert [set(need) for need in repo.agent_json("status")["needs_you"]] == [set(NEED)]
    repo.agent("spawn", "Add logout", "--", "sleep", "100")
    (session,) = repo.agent_json("ps")["sessions"]
    repo.agent("stop", "2")
    repo.agent("cancel", "2")
    repo.git("update-ref", "refs/git-agent/rescue/2/1", "HEAD")
    (operation,), (rescue,) = repo.agent_json("undo", "--list")["operations"], repo.agent_json("rescue")["rescues"]
    assert set(operation) == set(OPERATION) and [k for k in operation if _odd(operation[k], OPERATION[k][0])] == []
    assert set(rescue) == set(RESCUE) and [k for k in rescue if _odd(rescue[k], RESCUE[k][0])] == []
    assert set(session) == set(SESSION) and [k for k in session if _odd(session[k], SESSION[k][0])] == []


def _odd(value: object, kind: str) -> bool:
    names = {
        "integer": int,
        "string": str,
        "null": type(None),
        "number": int | float,
        "boolean": bool,
        "object": dict,
    }
    words = ["array"] if kind.startswith("array") else kind.split(" or ")
    return not isinstance(value, tuple(names.get(word, list) for word in words))  # type: ignore[arg-type]


def test_answers_have_the_documented_keys(repo: Sandbox) -> None:
    (repo.path / ".gitagent").write_text("[agent]\n\tcheck = true\n")
    repo.git("add", ".gitagent")
    repo.git("commit", "--quiet", "-m", "Check")
    commands = {
        "init": (["init"],),
        "deinit": (["deinit"],),
        "hooks": (["hooks"],),
        "sync": (["sync"],),
        "config": (["config"],),
        "config --agents": (["config", "--agents"],),
        "trust": (["trust"],),
        "completion": (["completion", "bash"],),
        "help": (["help"],),
        "add, edit, spawn, claim, reassign, release, fail, retry, cancel, reopen": (
            ["add", "A"],
            ["spawn", "A task"],
            ["edit", "1", "-p", "1"],
            ["claim"],
            ["release", "1"],
            ["reassign", "2"],
            ["fail", "2", "-m", "no"],
            ["retry", "2"],
            ["cancel", "2"],
            ["reopen", "2"],
            ["cancel", "1"],
        ),
        "start, heartbeat, ask, answer, done, request-changes": (
            ["spawn", "B"],
            ["start", "3"],
            ["heartbeat", "3"],
            ["ask", "What?", "--task", "3"],
            ["answer", "3", "That."],
            ["done", "3", "--allow-empty"],
            ["request-changes", "3", "-m", "more"],
            ["done", "3", "--allow-empty"],
            ["spawn", "C"],
        ),
        "run": (["run", "4", "--", "true"],),
        "run --detach": (["run", "4", "--detach", "--", "sleep", "100"],),
        "ps": (["ps"],),
        "logs": (["logs", "4"],),
        "stop, approve": (["stop", "4"], ["approve", "3"]),
        "prime": (["prime"], ["prime", "3"]),
        "send, reply, tail": (["send", "3", "@human", "#news", "Hello"], ["reply", "1", "More"], ["tail", "news"]),
        "inbox": (["inbox"],),
        "ack": (["ack", "--all"],),
        "ready": (["ready"],),
        "diff": (["diff", "3"],),
        "doctor": (["doctor"],),
        "list": (["list"],),
        "path": (["path", "3"],),
        "conflicts": (["conflicts"],),
        "stats": (["stats"],),
        "status": (["status"],),
        "show, status TASK": (["show", "3"], ["status", "3"]),
        "release, retry, cancel, reopen, stop, approve, with several": (["stop", "3", "4"],),
        "merge, with one task": (["merge", "3"],),
        "merge, otherwise": (["merge", "--all"],),
        "rm, with one task": (["rm", "1"],),
        "rm, with several": (["rm", "1", "2"],),
        "clean": (["clean"],),
        "undo": (["undo"],),
        "undo --list": (["undo", "--list"],),
        "rescue list": (["rescue"],),
        "rescue show": (["rescue", "show", "3/1"],),
        "rescue restore": (["rescue", "restore", "3/1"],),
        "rescue prune": (["rescue", "prune", "--older-than", "1d"],),
    }
    repo.git("update-ref", "refs/git-agent/rescue/3/1", "HEAD")
    wrong = []
    for heading, lines in commands.items():
        for line in lines:
            answer = repo.agent_json(*line, exit=None)
            if set(answer) != {"schema", *ANSWERS[heading]}:
                wrong.append((line, sorted(answer)))
    assert wrong == []
    assert ANSWERS.keys() - commands.keys() == {"completion --install", "demo"}


@pytest.mark.skipif(not shutil.which("mandoc"), reason="mandoc is not installed")
def test_the_manual_page_has_no_errors() -> None:
    done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", PAGE], capture_output=True, text=True)
    # `.TH` without a date: a date would make the page differ from day to day.
    assert [line for line in done.stdout.splitlines() if "missing date" not in line] == []


@pytest.mark.skipif(not shutil.which("man"), reason="man is not installed")
def test_git_help_opens_the_manual_page(repo: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "man/man1").mkdir(parents=True)
    shutil.copy(PAGE, tmp_path / "man/man1")
    shown = repo.run("git", "help", "agent", env={"MANPATH": str(tmp_path / "man"), "MANWIDTH": "80"}).out
    assert "git-agent - run many coding agents" in shown and "EXIT STATUS" in shown
    wide = [line for line in shown.splitlines() if len(re.sub(".\b", "", line)) > 80]
    assert wide == []


def test_links_between_documents_lead_somewhere() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {target}"


def test_files_named_for_newcomers_exist() -> None:
    text = (ROOT / "docs/dev/newcomers.md").read_text()
    named = set(re.findall(r"`((?:git_agent|tests|docs|hooks)/[\w./-]+|pyproject\.toml|Makefile)`", text))
    assert len(named) > 20 and [name for name in sorted(named) if not (ROOT / name).exists()] == []
