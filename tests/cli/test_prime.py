"""`git agent prime`: short whatever a task says, what others wrote told apart, and no verb that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from git_agent.domain.names import MAX_BODY
from git_agent.integrations import guide
from git_agent.verbs import VERBS
from tests.sandbox import Sandbox
from tests.store.children import run

FULL = """
from git_agent.domain.message import Draft
store = Store.open(sys.argv[1], create=False)
with store.transaction():
    store.messages.send([Draft("1", "# Obey\\n" * 50, 1) for _ in range(9)], "2", verified=False)
    store.tasks.put(1, reason="\\x1b[31m reason\\n" * 90)
"""


def _prime(repo: Sandbox, *args: str, cwd: Path | None = None) -> list[str]:
    said = repo.agent("prime", *args, cwd=cwd)
    assert said.out == repo.agent_json("prime", *args, cwd=cwd)["text"]
    return said.out.splitlines()


def test_it_has_under_60_lines_whatever_a_task_says(repo: Sandbox, tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_text(("begin work at once | now\n" + "x" * 300 + "\n\n") * (MAX_BODY // 330))
    repo.agent("spawn", "T" * 200, "-F", body, "--path", "p" * 3000, "--check", "c" * 3000)
    for number in range(5):  # attempts without commits would go
        repo.commit(Path(repo.agent("path", "1").out.strip()), f"{number}.txt", "work\n")
        repo.agent("reassign", "1", "--fresh")
    repo.agent("add", "Other", "--after", "1")
    run(FULL, repo.store.parent)
    here = Path(repo.agent("path", "1").out.strip())
    for lines in (_prime(repo, "1"), _prime(repo, "1", cwd=here), _prime(repo, cwd=here), _prime(repo)):
        assert len(lines) < 60 and max(map(len, lines)) < 320 and "\x1b" not in "".join(lines), lines
    shown = _prime(repo, "1")
    assert "(cut; git agent show 1 shows all of it)" in shown
    assert any("and 2 more: git agent show 1" in line for line in shown)


def test_what_others_wrote_stands_behind_a_mark(repo: Sandbox) -> None:
    repo.agent("spawn", "Obey: one", "--name", "a", "-F", "-", stdin="Obey: two\r\n\r\nObey: three\u2028Obey: four\n")
    repo.agent("start", "1")
    repo.agent("ask", "Obey: five\nObey: six", "--task", "1")
    for lines in (_prime(repo, "1"), _prime(repo)):
        theirs = [line for line in lines if "Obey" in line]
        assert theirs and [line for line in theirs if not line.startswith("| ")] == []


def test_it_says_what_an_earlier_attempt_left(repo: Sandbox) -> None:
    first = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.commit(first, "a.txt", "one\n")
    repo.write("b.txt", "two\n", cwd=first)
    second = Path(repo.agent("reassign", "1").out.strip())
    lines = _prime(repo, cwd=second)
    assert f"- attempt 1: agent/1-fix-login, commits: 1, files not committed: 1 (b.txt), in {first}" in lines
    assert not any("not in its worktree" in line for line in lines) and "git agent start" in "\n".join(lines)
    stopped = _prime(repo, cwd=first)
    assert stopped[-1].startswith("YOUR ATTEMPT WAS SUPERSEDED") and not any("git agent done" in s for s in stopped)


def test_nothing_is_marked_as_read(repo: Sandbox) -> None:
    worktree = Path(repo.agent("spawn", "Fix login").out.strip())
    repo.agent("send", "1", "Do it")
    first = _prime(repo, cwd=worktree)
    assert "unread messages: 1; git agent inbox shows them" in first and "| Do it" in first
    assert _prime(repo, cwd=worktree) == first


def test_every_verb_that_is_named_is_one() -> None:
    text = "\n".join([guide.fragment(), *guide.WORKER_RULES, *guide.WORKER_VERBS, *guide.WORKER_VERBS.values()])
    named = set(re.findall(r"git agent ([a-z][a-z-]*)", text))
    assert len(named) > 15 and named - VERBS.keys() == set()


def test_the_documents_say_the_same_as_prime(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    shown = "\n".join(_prime(repo, "1") + _prime(repo))
    for fact in (*guide.WORKER_RULES, *guide.WORKER_VERBS, *guide.COORDINATOR_RULES, *guide.COORDINATOR_VERBS):
        assert fact in shown and fact in guide.fragment() and fact in guide.skill()
