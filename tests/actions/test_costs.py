"""What a verb costs: how many gits it starts, and that it loads none of what other verbs need."""

from __future__ import annotations

import re
import sys

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox

# Each git takes 1 to 2 ms. A verb that needs more than this asks git for something that it knows.
MOST = {
    ("merge", "1"): 29,
    ("rm", "2"): 12,
    ("spawn", "Sort books"): 11,
    ("send", "3", "Please rebase"): 5,
}
UNUSED = ("git_agent.actions.views.history", "git_agent.actions.views.task", "git_agent.actions.removal", "statistics")


def _worked(repo: Sandbox) -> None:
    """Task 1 is approved, task 2 cancelled, task 3 assigned."""
    for title in ("Fix login", "Add search", "Count stock"):
        repo.agent("spawn", title)
    repo.commit(repo.worktree(1), "a.txt", "a\n")
    for verb in ("done", "approve"):
        repo.agent(verb, "1")
    repo.agent("cancel", "2")
    repo.agent("list")


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
