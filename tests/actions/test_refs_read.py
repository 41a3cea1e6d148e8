"""Refs are read once for each command: with 10,000 loose ones, each reading takes 0.1 s."""

from __future__ import annotations

import re

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox


def _prepared(repo: Sandbox) -> None:
    """Task 1 is approved, task 2 WORKING with a commit, 3 removed, 4 cancelled, 5 OPEN, 6 assigned."""
    for title in ("Fix login", "Add search", "Count stock", "Sort books"):
        repo.agent("spawn", title)
    for task in (1, 2, 3):
        repo.commit(repo.worktree(task), f"own-{task}.txt", "own\n")
    for verb in ("done", "approve"):
        repo.agent(verb, "1")
    for argv in (("cancel", "3"), ("rm", "3", "--unmerged"), ("cancel", "4"), ("add", "Write docs"), ("list",)):
        repo.agent(*argv)
    repo.agent("spawn", "Clean up")


@pytest.fixture
def prepared(repo: Sandbox, worlds: Worlds) -> Sandbox:
    return worlds.lend(repo, _prepared)


# What more a verb reads, and why.
AGAIN = {
    ("merge", "1"): 3,  # under the merge lock, before it lands, and what else keeps the commits before it removes them
    ("rm", "4"): 1,  # what else keeps the commits, before it removes them
    (
        "reassign",
        "2",
    ): 2,  # the worker before may have committed since: read before the attempt, and after it
    ("undo",): 1,  # after the branches that this undo brought back, before it creates another
    ("clean", "-n"): 1,  # the same
    ("done", "2", "--json"): 1,  # the counts of an answer are of after the verb
}
ONCE = [
    *(("spawn", "New work"), ("spawn", "5"), ("claim",), ("add", "More"), ("edit", "5", "--priority", "1")),
    *(("list",), ("list", "--json"), ("status",), ("status", "--json"), ("show", "1"), ("show", "1", "--json")),
    *(("ready",), ("ready", "--why"), ("prime",), ("diff", "2"), ("log",), ("conflicts",), ("rescue", "list")),
    *(("start", "6"), ("done", "2"), ("approve", "1"), ("request-changes", "1", "-m", "No"), ("cancel", "2")),
    *(("send", "2", "Hello"), ("heartbeat", "2"), ("release", "6"), ("fail", "2", "-m", "No"), ("sync",)),
]


@pytest.mark.parametrize("argv", [*ONCE, *AGAIN], ids=" ".join)
def test_a_verb_reads_the_branches_once_and_again_only_where_they_may_have_moved(
    prepared: Sandbox, argv: tuple[str, ...]
) -> None:
    said = prepared.agent(*argv, env={"GIT_AGENT_TRACE": "1"}).err
    gits = re.findall(r"^ .* ms  (\['git', .*)", said, re.MULTILINE)
    listing = [each for each in gits if "'for-each-ref'" in each]
    reading = [each for each in listing if "'refs/heads/'" in each or "'refs/" not in each]
    assert len(reading) <= 1 + AGAIN.get(argv, 0), "\n".join(gits)
