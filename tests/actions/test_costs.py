"""What a verb costs: how many gits it starts, and that it loads none of what other verbs need."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from git_agent.actions.attempts.claim import claim
from git_agent.app import App
from tests.faults.world import Worlds
from tests.sandbox import Sandbox
from tests.store.counting import counted, fill

# Each git takes 1 to 2 ms. A verb that needs more than this asks git for something that it knows.
MOST = {
    ("merge", "1"): 29,
    ("rm", "2"): 12,
    ("spawn", "Sort books"): 10,
    ("send", "3", "Please rebase"): 5,
}
# Each question to a database on another machine takes a round trip. A verb that changes something asks at most 3 more
# for each further task; what makes and removes worktrees writes down what it is about to do, and is held where it is.
STATEMENTS = {
    ("list",): 3,
    ("list", "--all"): 3,
    ("status",): 5,
    ("show", "1"): 5,
    ("ready",): 5,
    ("ps",): 5,
    ("diff", "1"): 5,
    ("conflicts",): 5,
    ("inbox",): 5,
    ("log",): 5,
    ("heartbeat", "3"): 9,
    ("send", "3", "Please rebase"): 9,
    ("request-changes", "1", "-m", "No"): 12,
    ("edit", "3", "--title", "Other"): 12,
    ("start", "3"): 9,
    ("cancel", "3"): 12,
    ("rm", "2"): 34,
    ("spawn", "Sort books"): 28,
    ("merge", "1"): 32,
}
_COUNT = """
import os, apsw
counted = os.open(os.environ["COUNTED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def traced(connection):
    def note(cursor, text, values):
        os.write(counted, (" ".join(text.split()) + "\\n").encode())
        return True
    connection.exec_trace = note
apsw.connection_hooks.append(traced)
from git_agent.cli.main import run
run()
"""
UNUSED = (
    "git_agent.actions.views.history",
    "git_agent.actions.views.task",
    "git_agent.actions.removal",
    "shutil",
    "statistics",
)


def _worked(repo: Sandbox) -> None:
    """Task 1 is approved, task 2 cancelled, task 3 assigned."""
    for title in ("Fix login", "Add search", "Count stock"):
        repo.agent("spawn", title)
    repo.commit(repo.worktree(1), "a.txt", "a\n")
    for verb in ("done", "approve"):
        repo.agent(verb, "1")
    repo.agent("cancel", "2")
    for argv in (("list",), ("conflicts",), ("show", "1")):
        repo.agent(*argv)


@pytest.fixture
def worked(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _worked)


def _gits(repo: Sandbox, *argv: str, hooks: str = "0") -> list[str]:
    """Run a verb and return the git commands that it started."""
    env = {"GIT_AGENT_TRACE": "1", "GIT_AGENT_HOOKS": hooks}
    return re.findall(r"^ .* ms  (\['git', .*)", repo.agent(*argv, env=env).err, re.MULTILINE)


@pytest.mark.parametrize("argv", MOST, ids=" ".join)
def test_a_verb_starts_no_more_gits_than_it_needs(worked: Sandbox, argv: tuple[str, ...]) -> None:
    gits = _gits(worked, *argv)
    assert 0 < len(gits) <= MOST[argv], "\n".join(gits)


def _asked(repo: Sandbox, *argv: str) -> list[str]:
    """Run a verb and return the statements that it ran, but for those that begin and end transactions."""
    counted = repo.path / "counted"
    counted.unlink(missing_ok=True)
    repo.run(sys.executable, "-c", _COUNT, *argv, env={"COUNTED": str(counted)})
    plain = re.compile("(?i)begin|commit|pragma|savepoint|release|rollback")
    return [text for text in counted.read_text().splitlines() if not plain.match(text)]


@pytest.mark.parametrize("argv", STATEMENTS, ids=" ".join)
def test_a_verb_asks_the_store_no_more_than_it_needs(worked: Sandbox, argv: tuple[str, ...]) -> None:
    asked = _asked(worked, *argv)
    assert 0 < len(asked) <= STATEMENTS[argv], "\n".join(text[:200] for text in asked)


def test_a_verb_asks_at_most_three_statements_more_for_each_further_task(worked: Sandbox) -> None:
    numbers = []
    worked.agent("spawn", "Sort books")
    worked.agent("spawn", "Lend books")
    for tasks in (("3",), ("4", "5")):
        numbers.append(len(_asked(worked, "start", *tasks)))
    assert numbers[1] <= numbers[0] + 6


@pytest.mark.parametrize("argv", [("merge", "1"), ("rm", "2")], ids=" ".join)
def test_a_worktree_is_examined_twice_before_it_is_removed(worked: Sandbox, argv: tuple[str, ...]) -> None:
    assert len([each for each in _gits(worked, *argv) if "'status'" in each]) == 2


def test_the_first_examination_lets_the_second_hash_nothing_unless_somebody_is_there(worked: Sandbox) -> None:
    tree, ran = worked.worktree(2), worked.path / "ran"
    worked.write(tree / "untracked", "so that it is refused\n")
    hook = worked.path / ".git/hooks/post-index-change"
    hook.write_text(f"#!/bin/sh\necho >>'{ran}'\n")
    hook.chmod(0o755)
    index = Path(worked.git("rev-parse", "--path-format=absolute", "--git-path", "index", cwd=tree))

    moments = itertools.count()

    def is_written(*options: str) -> bool:
        os.utime(tree / "README.md", (0, next(moments)))
        before = index.read_bytes()
        worked.agent("rm", "2", *options, exit=3)
        return before != index.read_bytes()

    assert is_written() and not ran.exists()
    assert not is_written("--dry-run")
    with subprocess.Popen(["cat"], cwd=tree, stdin=subprocess.PIPE):
        assert not is_written()
    worked.git("config", "hook.mine.command", "true")
    worked.git("config", "hook.mine.event", "post-index-change")
    assert not is_written()


def _some_with_work(repo: Sandbox) -> None:
    """Six tasks, of which all but the first have a commit of their own."""
    for number in range(1, 7):
        repo.agent("spawn", f"Task {number}")
        if number > 1:
            repo.commit(repo.worktree(number), f"own-{number}.txt", "own\n")
    repo.agent("list")


def test_a_base_that_moved_costs_no_git_for_each_task(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, _some_with_work)
    for number in (6, 5):
        repo.commit(None, "base.txt", f"{number}\n")
        gits = [each for each in _gits(repo, "list") if "rev-parse" not in each]
        assert len(gits) <= 15, "\n".join(gits)
        repo.agent("cancel", str(number))
        repo.agent("rm", "--force", "--unmerged", str(number))
    assert len(_gits(repo, "list")) == 4


def test_branches_that_moved_together_cost_no_git_for_each(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, _some_with_work)
    for number in range(2, 7):
        repo.commit(repo.worktree(number), "more.txt", f"{number}\n")
    gits = [each for each in _gits(repo, "list") if "rev-parse" not in each]
    assert len([each for each in gits if "merge-base" in each]) == 0, "\n".join(gits)


def _claimed(repo: Sandbox) -> tuple[int, int, int]:
    """Claim the next task; return its number, and how many statements and instructions SQLite ran for it."""
    app = App("claim")
    with counted(app.store) as work:
        task = claim(app)
    app.close()
    return task.id, work.statements, work.steps


def test_a_claim_asks_the_store_for_no_more_when_hundreds_of_tasks_are_open(
    repo: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.git("config", "agent.pathClaims", "refuse")
    repo.agent("spawn", "At work", "--path", "other")
    monkeypatch.chdir(repo.path)
    costs = []
    for number in (20, 300):
        app = App()
        with app.store.transaction():
            for task in fill(app.store, number):
                app.store.tasks.set_paths(task, [f"src/{task}"])
        app.close()
        costs.append(_claimed(repo))
    assert [task for task, _, _ in costs] == [2, 3]
    (_, statements, steps), (_, more_statements, more_steps) = costs
    assert more_statements <= statements and more_steps <= 1.2 * steps, costs


def test_sending_loads_nothing_that_shows_or_removes_tasks(worked: Sandbox) -> None:
    code = "import sys; sys.argv[1:] = ['send', '3', 'hello']\nfrom git_agent.cli import main\n"
    code += "try:\n    main.run()\nfinally:\n    print('\\n'.join(sys.modules), file=sys.stderr)"
    loaded = worked.run(sys.executable, "-c", code).err.split()
    assert "git_agent.actions.messages.send" in loaded
    assert [name for name in loaded if name.startswith(UNUSED)] == []


def _six_live(repo: Sandbox) -> None:
    """Six live tasks, of which two have work."""
    for number in range(1, 7):
        repo.agent("spawn", f"Task {number}")
    for number in (1, 4):
        repo.commit(repo.worktree(number), f"own-{number}.txt", "own\n")
    repo.agent("list")


def test_examining_more_live_tasks_costs_doctor_no_git(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, _six_live)
    assert repo.agent("doctor").out.startswith("no problems found (checked 6 tasks")
    repo.agent("init", env={"GIT_AGENT_HOOKS": "1"})  # it examines the hooks of each worktree, too
    six = _gits(repo, "doctor", hooks="1")
    for number in (4, 5, 6):
        repo.agent("cancel", str(number))
        repo.agent("rm", "--force", "--unmerged", str(number))
    three = _gits(repo, "doctor", hooks="1")
    assert len(six) <= len(three), "\n".join(six)


def test_a_matrix_of_conflicts_lists_the_files_of_the_base_once(repo: Sandbox, worlds: Worlds) -> None:
    worlds.lend(repo, _some_with_work)
    repo.agent("list")
    gits = _gits(repo, "conflicts")
    for once in ("'merge-tree'", "'ls-tree'"):
        assert len([each for each in gits if once in each]) == 1, "\n".join(gits)
