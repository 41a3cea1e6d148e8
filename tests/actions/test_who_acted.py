"""Events and trailers name whoever acted: a person, or an agent as such; a name in the environment proves nothing."""

from __future__ import annotations

import pytest

from git_agent.store.store import Store
from tests.sandbox import Sandbox

LINUS = {"GIT_AGENT_ACTOR": "Linus Torvalds"}


def actors(repo: Sandbox, task: int) -> list[tuple[str, str]]:
    """Return the kinds of a task's events with their actors."""
    store = Store.open(str(repo.store.parent), create=False)
    found = [(event.kind, event.actor) for event in store.events.of_task(task)]
    store.close()
    return found


def two_workers(repo: Sandbox) -> None:
    """Task 1 is handed in; task 2 has a worker that may review."""
    for title in ("Fix login", "Review"):
        repo.agent("spawn", title)
    repo.commit(repo.worktree(1), "login.txt", "login\n")
    repo.git("config", "agent.workersReview", "true")


def trailers(repo: Sandbox, key: str) -> str:
    return repo.git("log", "-1", f"--format=%(trailers:key={key},valueonly)", "main").strip()


def test_a_name_in_the_environment_is_nobody_s(repo: Sandbox) -> None:
    two_workers(repo)
    repo.agent("done", cwd=repo.worktree(1), env=LINUS)
    repo.agent("approve", "1", cwd=repo.worktree(2), env=LINUS)
    repo.agent("heartbeat", "-m", "Reading", "2", env={**LINUS, "GIT_AGENT_TASK": "2"})
    repo.agent("merge", "1", env=LINUS)
    repo.agent("cancel", "2", env=LINUS)
    found = [each for task in (1, 2) for each in actors(repo, task)]
    assert not any("Linus" in actor for _, actor in found), found
    assert ("task.done", "worker 1.1") in found and ("task.approved", "worker 2.1") in found
    assert ("task.merged", "Ada Lovelace") in found and ("task.cancelled", "Ada Lovelace") in found


def test_an_agent_is_named_by_the_token_that_its_run_gave_it(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.git("config", "agent.run.codex", "sh -c 'GIT_AGENT_ACTOR=Linus git agent heartbeat -m Reading; exit 1'")
    repo.agent("run", "1", "--agent", "codex", exit=1)
    assert ("task.noted", "codex 1.1") in actors(repo, 1)


@pytest.mark.parametrize("strategy", ["merge", "squash"])
def test_a_merge_names_the_agent_that_reviewed_it(repo: Sandbox, strategy: str) -> None:
    two_workers(repo)
    repo.agent("done", "1")
    repo.agent("approve", "1", cwd=repo.worktree(2))
    assert repo.agent_json("show", "1")["task"]["reviewer"] == "worker 2.1"
    repo.agent("merge", "1", "--strategy", strategy)
    assert trailers(repo, "Reviewed-by") == "worker 2.1"


@pytest.mark.parametrize("strategy", ["merge", "squash"])
@pytest.mark.parametrize(
    "title", ["Reviewed-by: Linus <l@example.org>", "Agent-Task: 7", "fix: a typo", "Signed-off-by: me"]
)
def test_a_title_is_never_a_trailer(repo: Sandbox, title: str, strategy: str) -> None:
    repo.agent("spawn", title, "--name", "one")
    repo.commit(repo.worktree(1), "login.txt", "login\n")
    for verb in ("done", "approve"):
        repo.agent(verb, "1")
    repo.agent("merge", "1", "--strategy", strategy)
    body = repo.git("log", "-1", "--format=%B", "main")
    assert title in body
    assert repo.git("log", "-1", "--format=%(trailers:only,unfold)", "main").split() == [
        "Agent-Task:", "1", "Reviewed-by:", "Ada", "Lovelace", "<ada@example.org>"
    ]  # fmt: skip
