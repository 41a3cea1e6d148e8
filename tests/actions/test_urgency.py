"""Status names first what an agent waits for, then what is stuck, then reviews."""

from __future__ import annotations

import shutil

from tests.sandbox import Sandbox


def order(repo: Sandbox) -> list[int]:
    return [need["task"] for need in repo.agent_json("status")["needs_you"]]


def review(repo: Sandbox, title: str) -> None:
    task = repo.agent_json("spawn", title)["task"]["id"]
    repo.commit(repo.worktree(task), f"{task}.txt", "work\n")
    repo.agent("done", str(task))


def ask(repo: Sandbox, title: str) -> None:
    task = repo.agent_json("spawn", title)["task"]["id"]
    repo.agent("start", str(task))
    repo.agent("ask", "Which port?", "--task", str(task))


def test_a_question_comes_before_older_reviews(repo: Sandbox) -> None:
    review(repo, "One")
    review(repo, "Two")
    repo.agent("approve", "2")
    ask(repo, "Three")
    assert order(repo) == [3, 1, 2]
    text = repo.agent("status").out
    assert text.index("3 three") < text.index("1 one")
    primed = repo.agent("prime").out
    assert "the most urgent first" in primed and primed.index("- task 3") < primed.index("- task 1")


def test_what_is_stuck_stands_between_them(repo: Sandbox) -> None:
    review(repo, "One")
    repo.agent("spawn", "Two")
    repo.agent("fail", "2", "-m", "It can't be done")
    ask(repo, "Three")
    assert order(repo) == [3, 2, 1]


def test_so_does_a_review_whose_worktree_is_gone_and_a_conflict(repo: Sandbox) -> None:
    review(repo, "One")
    review(repo, "Two")
    shutil.rmtree(repo.worktree(2))
    repo.agent("spawn", "Three")
    repo.commit(repo.worktree(3), "a.txt", "theirs\n")
    repo.agent("done", "3")
    repo.agent("approve", "3")
    repo.commit(None, "a.txt", "ours\n")
    repo.agent("merge", "3", exit=4)
    assert order(repo)[-1] == 1 and set(order(repo)[:2]) == {2, 3}


def test_among_equals_the_oldest_comes_first(repo: Sandbox) -> None:
    ask(repo, "One")
    ask(repo, "Two")
    assert order(repo) == [1, 2]
