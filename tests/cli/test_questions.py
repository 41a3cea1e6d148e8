"""A person is asked before much changes at once, unless -y answers; what is done then is what was shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import click
import pytest

from git_agent.cli.manual import commands
from tests.cli.terminal import Terminal
from tests.sandbox import Sandbox


@pytest.fixture
def cancelled(repo: Sandbox) -> Terminal:
    """Two tasks of three were cancelled, and removed."""
    for task in ("1", "2", "3"):
        repo.agent("spawn", f"Task {task}")
        repo.commit(repo.worktree(int(task)), f"{task}.txt", "x\n")
    for task in ("1", "2"):
        repo.agent("cancel", task)
        repo.agent("rm", task, "--unmerged")
    return Terminal(repo.path)


def states(repo: Sandbox) -> list[str]:
    return [task["state"] for task in repo.tasks().values()]


def test_several_operations_are_undone_after_a_yes_and_none_that_happened_meanwhile(
    repo: Sandbox, cancelled: Terminal
) -> None:
    words = ("git", "agent", "undo", "4")
    said = cancelled.type(*words, asked="Undo these 4? [y/N]:", answer=lambda: "n\n")
    assert "would restore branch agent/2-task-2" in said and "error: nothing was undone\n" in said
    assert states(repo) == ["CANCELLED", "CANCELLED", "WORKING"]

    def meanwhile() -> str:
        repo.agent("cancel", "3")
        return "y\n"

    said = cancelled.type(*words, asked="Undo these 4? [y/N]:", answer=meanwhile)
    assert states(repo) == ["WORKING", "WORKING", "CANCELLED"], said


def test_what_is_pruned_is_what_was_shown(repo: Sandbox, cancelled: Terminal) -> None:
    words = ("git", "agent", "rescue", "prune", "--older-than", "0s")
    said = cancelled.type(*words, asked="for good? [y/N]:", answer=lambda: "n\n")
    assert "would delete 1/1 tip: Change a file\n" in said and "error: nothing was deleted\n" in said

    def meanwhile() -> str:
        repo.agent("cancel", "3")
        repo.agent("rm", "3", "--unmerged")
        return "y\n"

    said = cancelled.type(*words, asked="for good? [y/N]:", answer=meanwhile)
    kept = [each["ref"] for each in repo.agent_json("rescue")["rescues"]]
    assert kept == ["3/1"], said


class Asking(NamedTuple):
    """A verb with -y. prepared: makes something for it to do, and gives its words; done: tells whether it was done;
    asks: it asks on a terminal.
    """

    prepared: Callable[[Sandbox], tuple[str, ...]]
    done: Callable[[Sandbox], bool]
    asks: bool


def _cancelled(repo: Sandbox, *words: str) -> tuple[str, ...]:
    repo.agent("spawn", "Fix login")
    repo.agent("cancel", "1")
    return words


def _removed(repo: Sandbox, *words: str) -> tuple[str, ...]:
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "1.txt", "x\n")
    repo.agent("cancel", "1")
    repo.agent("rm", "1", "--unmerged")
    return words


def _approved(repo: Sandbox) -> tuple[str, ...]:
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "1.txt", "x\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    return ("merge", "1")


def _pushed(repo: Sandbox) -> tuple[str, ...]:
    repo.git("clone", "--quiet", "--bare", repo.path, repo.path.parent / "origin.git")
    repo.git("remote", "add", "origin", repo.path.parent / "origin.git")
    words = _approved(repo)
    repo.git("push", "--quiet", "origin", "agent/1-fix-login")
    repo.agent(*words)
    repo.git("push", "--quiet", "origin", "main")
    return ("clean", "--remote")


def _added(repo: Sandbox) -> tuple[str, ...]:
    repo.agent("add", "Fix login")
    return ("deinit", "--purge")


def _is_gone(repo: Sandbox) -> bool:
    return not list(repo.path.parent.glob("*.worktrees/1-*"))


ASKING = {
    "deinit": Asking(_added, lambda repo: not repo.store.exists(), True),
    "merge": Asking(_approved, lambda repo: states(repo) == ["COMPLETED"], False),
    "rm": Asking(lambda repo: _cancelled(repo, "rm", "1"), _is_gone, False),
    "clean": Asking(lambda repo: _cancelled(repo, "clean"), _is_gone, False),
    "clean --remote": Asking(_pushed, lambda repo: not repo.git("branch", "--remotes", "--list", "*/agent/*"), True),
    "undo": Asking(lambda repo: _removed(repo, "undo", "2"), lambda repo: states(repo) == ["WORKING"], True),
    "rescue prune": Asking(
        lambda repo: _removed(repo, "rescue", "prune", "--older-than", "0s"),
        lambda repo: not repo.agent_json("rescue")["rescues"],
        True,
    ),
}


def test_every_verb_that_takes_yes_is_tried_below() -> None:
    def takes_yes(command: click.Command) -> bool:
        return any("--yes" in parameter.opts for parameter in command.params)

    assert {name for _, name, command in commands() if takes_yes(command)} == {*ASKING} - {"clean --remote"}


def answered_no(repo: Sandbox, *words: str) -> tuple[str, bool]:
    """Type a command and answer no to its question; return what was said, and whether there was a question."""
    asked = list[str]()

    def no() -> str:
        asked.append("no")
        return "n\n"

    said = Terminal(repo.path).type("git", "agent", *words, asked="[y/N]:", answer=no)
    return said, bool(asked)


@pytest.mark.parametrize("verb", ASKING)
def test_yes_answers_what_a_terminal_asks(repo: Sandbox, verb: str) -> None:
    words = ASKING[verb].prepared(repo)
    if ASKING[verb].asks:
        said, asked = answered_no(repo, *words)
        assert asked and "error: nothing was" in said and not ASKING[verb].done(repo), said
    said, asked = answered_no(repo, *words, "-y")
    assert not asked and ASKING[verb].done(repo), said


@pytest.mark.parametrize("verb", [name for name, each in ASKING.items() if not each.asks])
def test_what_can_be_undone_is_done_without_a_question(repo: Sandbox, verb: str) -> None:
    words = ASKING[verb].prepared(repo)
    said, asked = answered_no(repo, *words)
    assert not asked and ASKING[verb].done(repo), said


def test_a_store_that_a_run_began_to_use_while_the_question_stood_there_is_not_removed(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")

    def meanwhile() -> str:
        repo.agent("run", "1", "--detach", "--", "sleep", "100")
        return "y\n"

    said = Terminal(repo.path).type("git", "agent", "deinit", "--purge", asked="[y/N]:", answer=meanwhile)
    assert "unfinished: 1 fix-login" in said and "is run by process" in said and repo.store.exists(), said
    repo.agent("stop", "1")
