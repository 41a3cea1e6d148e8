"""Who may do what: every verb is walked as a worker, who stands in its worktree or carries its token."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path

import pytest

from git_agent.store.store import Store
from git_agent.verbs import VERBS
from tests.sandbox import Sandbox

# What a worker types of each verb, about its own task 1, the handed-in task 2 of another worker, or the OPEN task 3.
ANYONE: dict[str, list[tuple[str, ...]]] = {
    "doctor": [("doctor",)],
    "hooks": [("hooks",)],
    "sync": [("sync",)],
    "config": [("config",)],
    "completion": [("completion", "bash")],
    "help": [("help",), ("help", "merge")],
    "add": [("add", "More")],
    "spawn": [("spawn", "Another")],
    "ready": [("ready",)],
    "claim": [("claim", "3")],
    "ps": [("ps",)],
    "logs": [("logs", "2")],
    "prime": [("prime",)],
    "diff": [("diff", "2", "--stat")],
    "rescue": [("rescue",), ("rescue", "list"), ("rescue", "show", "2/1")],
    "send": [("send", "2", "Hello")],
    "reply": [("reply", "1", "Hello")],
    "inbox": [("inbox",)],
    "ack": [("ack", "99")],
    "tail": [("tail", "#topic")],
    "status": [("status",)],
    "list": [("list",)],
    "show": [("show", "2")],
    "log": [("log",)],
    "path": [("path", "2")],
    "conflicts": [("conflicts",)],
    "stats": [("stats",)],
}
OWN: dict[str, tuple[str, ...]] = {
    "edit": ("--title", "Other words"),
    "release": (),
    "fail": ("-m", "No use"),
    "exec": ("--", "true"),
    "start": (),
    "heartbeat": (),
    "ask": (),
    "done": ("--allow-empty",),
}
REVIEWER: dict[str, tuple[str, ...]] = {"approve": (), "request-changes": ("-m", "Once more"), "merge": ()}
COORDINATOR: dict[str, list[tuple[str, ...]]] = {
    "init": [("init",)],
    "deinit": [("deinit",), ("deinit", "--purge", "--yes")],
    "doctor": [("doctor", "--fix")],
    "trust": [("trust",)],
    "add": [("add", "Task", "--check", "true")],
    "edit": [
        ("edit", "1", "--check", "true"),
        ("edit", "1", "--base", "main"),
        ("edit", "1", "--after", "2"),
        ("edit", "1", "--priority", "0"),
        ("edit", "1", "--path", "src"),
        ("edit", "1", "--name", "new"),
    ],
    "spawn": [
        ("spawn", "3"),
        ("spawn", "New", "--check", "true"),
        ("spawn", "New", "--run"),
        ("spawn", "New", "--", "true"),
    ],
    "reassign": [("reassign", "1"), ("reassign", "2")],
    "retry": [("retry", "1")],
    "cancel": [("cancel", "1"), ("cancel", "2")],
    "reopen": [("reopen", "1")],
    "run": [("run",), ("run", "1", "--", "true"), ("run", "3", "--detach", "--", "true")],
    "stop": [("stop",), ("stop", "2")],
    "answer": [("answer", "1", "Yes"), ("answer", "2", "Yes")],
    "merge": [("merge", "--all")],
    "rm": [("rm", "1"), ("rm", "2", "--force")],
    "clean": [("clean",)],
    "undo": [("undo",), ("undo", "--list")],
    "rescue": [("rescue", "restore", "1/1"), ("rescue", "prune", "--older-than", "1d", "--yes")],
}


class Office:
    """Task 1 with the worker that is walked, task 2 handed in by another worker, and an OPEN task 3."""

    def __init__(self, repo: Sandbox, *, by: str) -> None:
        self.repo = repo
        for title in ("Own", "Other"):
            repo.agent("spawn", title)
        repo.commit(repo.worktree(2), "other.txt", "other\n")
        repo.agent("done", "2")
        repo.agent("add", "Open")
        self.where = repo.worktree(1) if by == "worktree" else repo.path
        self.env = (
            {} if by == "worktree" else {"GIT_AGENT_TASK": "1", "GIT_AGENT_EPOCH": "1", "GIT_AGENT_TOKEN": "t" * 64}
        )

    def tried(self, *words: str) -> dict[str, str]:
        """Run a verb as the worker of task 1, and return the error, empty if there was none."""
        said = self.repo.agent(words[0], "--json", *words[1:], cwd=self.where, env=self.env, exit=None)
        return dict(said.json()["error"]) if said.code and said.out.startswith('{"schema": 1, "error"') else {}

    def events(self) -> list[tuple[str, object]]:
        """Return the kinds of all events, with the verb of each refusal."""
        store = Store.open(str(self.repo.store.parent), create=False)
        found = [(event.kind, event.data.get("verb")) for event in store.events.of_task(None)]
        store.close()
        return found


@pytest.fixture(params=["worktree", "token"])
def office(repo: Sandbox, request: pytest.FixtureRequest) -> Office:
    return Office(repo, by=request.param)


TABLES: dict[str, Container[str]] = {"anyone": ANYONE, "own": OWN, "reviewer": REVIEWER, "coordinator": COORDINATOR}
ENDLESS = {"demo", "watch"}  # seconds long, and without an end
REFUSED = {"not-for-workers", "not-your-task", "own-task", "worker-trust"}


def test_every_verb_is_walked() -> None:
    walked = ANYONE.keys() | OWN.keys() | REVIEWER.keys() | COORDINATOR.keys()
    assert walked == VERBS.keys() - ENDLESS
    for verb, entry in VERBS.items():
        tables: dict[str, Container[str]] = {
            "anyone": ANYONE,
            "own": OWN,
            "reviewer": REVIEWER,
            "coordinator": COORDINATOR,
        }
        assert verb in tables[entry.who] or verb in ENDLESS, verb
        assert not entry.guarded or verb in COORDINATOR, verb


def test_a_worker_may_use_what_is_for_anyone(office: Office) -> None:
    for words in (words for several in ANYONE.values() for words in several):
        assert office.tried(*words).get("code") not in REFUSED, words


def test_a_worker_is_refused_what_is_for_the_coordinator(office: Office) -> None:
    for words in (words for several in COORDINATOR.values() for words in several):
        before, error = office.events(), office.tried(*words)
        assert error.get("code") in REFUSED, (words, error)
        assert "git agent send @coordinator" in error["hint"], (words, error)
        name = "rescue " + words[1] if words[0] == "rescue" else words[0]
        assert office.events() == [*before, ("task.refused", name)], words
    assert office.repo.tasks()[1]["state"] == "ASSIGNED" and office.repo.tasks()[2]["state"] == "IN_REVIEW"


def test_a_worker_uses_its_own_verbs_on_its_own_task_only(office: Office) -> None:
    for verb, more in OWN.items():
        words = (verb, "Why?", "--task", "2") if verb == "ask" else (verb, "2", *more)
        assert office.tried(*words).get("code") == "not-your-task", words
    for verb, more in OWN.items():
        words = (verb, "Why?") if verb == "ask" else (verb, "1", *more)
        assert office.tried(*words).get("code") not in REFUSED, words
    assert office.repo.tasks()[2]["state"] == "IN_REVIEW"


def test_a_worker_reviews_only_the_tasks_of_others_and_only_if_a_person_allows_it(office: Office) -> None:
    for verb, more in REVIEWER.items():
        assert office.tried(verb, "1", *more)["code"] == "own-task", verb
        assert office.tried(verb, "2", *more)["code"] == "not-for-workers", verb
    office.repo.git("config", "agent.workersReview", "true")
    for verb, more in REVIEWER.items():
        assert office.tried(verb, "1", *more)["code"] == "own-task", verb
    assert office.tried("request-changes", "2", "-m", "Once more") == {}
    office.repo.agent("done", "2")
    assert office.tried("approve", "2") == {} and office.tried("merge", "2") == {}
    assert office.repo.tasks()[2]["state"] == "COMPLETED"
    assert office.tried("merge", "--all")["code"] == office.tried("cancel", "3")["code"] == "not-for-workers"


def test_a_worker_can_allow_itself_nothing_with_what_it_brings_along(repo: Sandbox) -> None:
    office = Office(repo, by="worktree")
    repo.commit(None, ".gitagent", "[agent]\n\tworkersReview = true\n", "Configure the team")
    repo.agent("trust")
    assert office.tried("approve", "2")["code"] == "not-for-workers"
    office.env = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "agent.workersReview", "GIT_CONFIG_VALUE_0": "true"}
    assert office.tried("approve", "2")["code"] == "not-for-workers"
    office.env = {}
    repo.git("config", "extensions.worktreeConfig", "true")
    repo.git("config", "--worktree", "agent.workersReview", "true", cwd=office.where)
    assert office.tried("approve", "2")["code"] == "not-for-workers"


def test_a_superseded_worker_hears_that_first(repo: Sandbox) -> None:
    office = Office(repo, by="worktree")
    repo.agent("reassign", "1")
    for words in (("merge", "2"), ("cancel", "2"), ("undo",), ("done", "1"), ("done", "2"), ("approve", "1")):
        assert office.tried(*words)["code"] == "superseded", words


def test_all_tasks_are_looked_up_before_the_first_is_approved(repo: Sandbox) -> None:
    Office(repo, by="worktree")
    repo.agent("approve", "2", "99", exit=1)
    assert repo.tasks()[2]["state"] == "IN_REVIEW"


def test_a_person_may_use_everything_also_in_a_worktree_of_their_own(repo: Sandbox, tmp_path: Path) -> None:
    Office(repo, by="worktree")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "mine"))
    for words in (("approve", "2"), ("merge", "2"), ("cancel", "1"), ("init",), ("undo",)):
        repo.agent(*words, cwd=tmp_path / "mine")
