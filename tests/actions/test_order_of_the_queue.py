"""What an urgent task waits for is as urgent as that task."""

from __future__ import annotations

from tests.sandbox import Sandbox


def order(repo: Sandbox) -> list[int]:
    return [task["id"] for task in repo.agent_json("ready")["tasks"]]


def add(repo: Sandbox, title: str, priority: int, *after: int) -> None:
    words = [word for parent in after for word in ("--after", str(parent))]
    repo.agent("add", title, "--priority", str(priority), *words)


def test_a_task_that_an_urgent_one_waits_for_is_claimed_first(repo: Sandbox) -> None:
    add(repo, "Ordinary", 2)
    add(repo, "Groundwork", 4)
    add(repo, "Urgent", 0, 2)
    assert order(repo) == [2, 1]
    assert repo.agent_json("claim")["task"]["id"] == 2


def test_also_through_others_between_them(repo: Sandbox) -> None:
    add(repo, "Ordinary", 1)
    add(repo, "Groundwork", 4)
    add(repo, "Between", 3, 2)
    add(repo, "Urgent", 0, 3)
    assert order(repo) == [2, 1]


def test_nobody_waits_urgently_in_a_task_that_is_finished_or_less_urgent(repo: Sandbox) -> None:
    add(repo, "Ordinary", 2)
    add(repo, "Groundwork", 3)
    add(repo, "Urgent", 0, 2)
    add(repo, "Lazy", 4, 1)
    repo.agent("cancel", "3")
    assert order(repo) == [1, 2]
    repo.agent("reopen", "3")
    assert order(repo) == [2, 1]


def test_the_priority_that_is_shown_stays_its_own(repo: Sandbox) -> None:
    add(repo, "Groundwork", 4)
    add(repo, "Urgent", 0, 1)
    assert repo.tasks()[1]["priority"] == 4
