"""--json: one object with schema 1 on stdout, whatever happens; the Task object as it is documented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from git_agent.domain.task import State
from git_agent.verbs import VERBS
from tests.sandbox import Result, Sandbox, run_at_once

TEXT, NUMBER = (str,), (int, float)
OPTIONAL, INTEGER = (str, type(None)), (int,)
COUNT = (int, type(None))
TASK: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "title", "body", "base", "created_at", "state_at", "state"), TEXT),
    **dict.fromkeys(("id", "priority", "attempt", "epoch", "unread"), INTEGER),
    **dict.fromkeys(("hold", "base_oid", "branch", "worktree", "head_oid", "reviewed_oid"), OPTIONAL),
    **dict.fromkeys(("merged_oid", "merged_by", "agent", "reason"), OPTIONAL),
    **dict.fromkeys(("depends_on", "blocked_by", "paths"), (list,)),
    **dict.fromkeys(("beat_age_s", "progress_age_s"), (*NUMBER, type(None))),
    **dict.fromkeys(("ahead", "behind"), COUNT),
    "worker": (dict,),
    "stalled": (bool,),
}
ADDED = {
    "note": OPTIONAL,
    "reviewer": OPTIONAL,
    "check": OPTIONAL,
    "reverted_oid": OPTIONAL,
}  # beyond the first contract
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def _is_task(found: dict[str, Any]) -> bool:
    import re

    expected = TASK | ADDED
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    wrong = {key: value for key, value in found.items() if type(value) not in expected[key]}
    assert wrong == {}
    assert found["worker"].keys() == {"id", "host", "pid", "liveness"}
    assert found["worker"]["liveness"] in ("alive", "late", "stale", "dead", "none")
    assert found["state"] in set(State) and all(type(n) is int for n in found["depends_on"] + found["blocked_by"])
    assert re.fullmatch(RFC3339, found["created_at"]) and re.fullmatch(RFC3339, found["state_at"])
    assert all(found[key] is None or len(found[key]) in (40, 64) for key in found if key.endswith("_oid"))
    return True


def _document(result: Result) -> dict[str, Any]:
    """Parse the one line that a verb prints; its schema is 1."""
    assert result.out.count("\n") == 1, result
    found = result.json()
    assert isinstance(found, dict) and found.pop("schema") == 1, result
    return found


class Life:
    """Takes a repository through every verb with --json and keeps what each answered first."""

    def __init__(self, repo: Sandbox) -> None:
        self.repo = repo
        self.said: dict[str, dict[str, Any]] = {}

    def __call__(self, verb: str, *args: str, cwd: Path | None = None, exit: int = 0) -> dict[str, Any]:
        found = _document(self.repo.agent(verb, "--json", *args, cwd=cwd, exit=exit))
        self.said.setdefault(verb, found)
        return found


def _work(life: Life, task: int) -> None:
    where = Path(life("path", str(task))["path"])
    life.repo.commit(where, f"{task}.txt", "work\n")
    life("done", cwd=where)


def _live(life: Life) -> None:
    life("init"), life("config")
    life("spawn", "One"), life("add", "Two"), life("add", "Three"), life("edit", "2", "--priority", "1")
    life("ready"), life("claim"), life("start", "1"), life("heartbeat", "1"), life("ask", "Why?", "--task", "1")
    life("answer", "1", "Because"), life("status"), life("list"), life("show", "1"), life("stats")
    life("prime", "1")
    _work(life, 1)
    sent = life("send", "@human", "1", "#news", "Look")["messages"][0]["id"]
    life("reply", str(sent), "Yes"), life("tail", "news"), life("inbox"), life("ack", str(sent))
    life("conflicts"), life("diff", "1"), life("request-changes", "1", "-m", "More"), life("done", "1")
    life("approve", "1"), life("merge", "1"), life("rm", "1"), life("clean"), life("reopen", "1")
    life("reassign", "2"), life("release", "2"), life("spawn", "2"), life("fail", "2", "-m", "No"), life("retry", "2")
    life("cancel", "2"), life("undo"), life("cancel", "2"), life("rescue")
    life("spawn", "3"), life("run", "3", "--", "true", exit=1), life("run", "3", "--detach", "--", "sleep", "100")
    life("ps"), life("logs", "3"), life("stop", "3")
    life.repo.commit(None, ".gitagent", "[agent]\n\tcheck = true\n")
    life("trust"), life("completion", "bash"), life("help", "merge"), life("sync"), life("hooks"), life("deinit")


def test_every_verb_answers_with_one_object(repo: Sandbox) -> None:
    life = Life(repo)
    _live(life)
    # `demo` is played in its own tests; `log` and `watch` write one object a line; `exec` becomes another program;
    # `doctor` says what is wrong, which is of no store, too: tests/faults/test_doctor.py.
    assert VERBS.keys() - life.said.keys() == {"demo", "log", "watch", "exec", "doctor"}
    assert all({*life.said[verb]} >= {"messages"} for verb in ("send", "reply", "inbox", "ack", "tail"))
    about_one = {verb for verb, said in life.said.items() if "task" in said}
    about_some = {verb for verb, said in life.said.items() if "tasks" in said}
    assert about_some == {"ready", "status", "list", "clean", "ps", "undo"}
    assert about_one >= {"spawn", "add", "edit", "claim", "done", "approve", "merge", "rm", "show", "cancel", "reopen"}
    assert all(_is_task(life.said[verb]["task"]) for verb in about_one)
    assert all(_is_task(task) for verb in about_some for task in life.said[verb]["tasks"])


def test_the_log_is_json_lines(busy: Sandbox) -> None:
    import json

    lines = [json.loads(line) for line in busy.agent("log", "1", "--json").out.splitlines()]
    events = [line["event"] for line in lines if "event" in line]
    messages = [line["message"] for line in lines if "message" in line]
    assert {line["schema"] for line in lines} == {1} and events and messages
    assert {*events[0]} == {"seq", "at", "kind", "task", "actor", "from", "to", "epoch", "data"}
    told = {"id", "sender", "to", "task", "topic", "thread", "reply_to", "urgent", "needs_ack", "body", "sent_at"}
    assert {*messages[0]} == told | {"state", "verified"}
    assert [event["kind"] for event in events] == ["task.added", "task.spawned", "task.started", "task.asked"]


def test_several_tasks_are_an_array_and_one_is_an_object(repo: Sandbox) -> None:
    life = Life(repo)
    for task in ("One", "Two"):
        _work(life, life("spawn", task)["task"]["id"])
    assert [task["state"] for task in life("approve", "1", "2")["tasks"]] == ["APPROVED", "APPROVED"]
    assert [task["state"] for task in life("merge", "--all")["tasks"]] == ["COMPLETED", "COMPLETED"]
    assert life("merge", "--all")["tasks"] == [] and life("merge", "1")["task"]["state"] == "COMPLETED"


def _error(result: Result, code: str, exit: int) -> None:
    found = _document(result)
    assert result.code == exit and found.keys() == {"error"}, result
    assert found["error"].keys() >= {"code", "message", "hint"} and result.err == "", result
    assert found["error"]["code"] == code, result


def test_a_usage_error_is_one_object_too(busy: Sandbox) -> None:
    verbs = VERBS.keys() - {"diff"}  # git's options are passed on
    for result in busy.parallel([(verb, "--json", "--no-such-option") for verb in verbs]):
        _error(result, "usage", 2)
    for result in busy.parallel([(verb, "--no-such-option", "--json") for verb in verbs]):
        _error(result, "usage", 2)


def test_an_unknown_verb_is_one_object_too(busy: Sandbox) -> None:
    for args in (("frobnicate", "--json"), ("--json", "frobnicate")):
        result = busy.agent(*args, exit=2)
        assert set(_document(result)["error"]) >= {"code", "message", "hint"} and result.err == ""


NEEDS = {
    **dict.fromkeys(("edit", "approve", "merge", "rm", "reassign", "retry", "reopen", "run"), ("1",)),
    "exec": ("1", "--", "true"),
    **{"answer": ("1", "text"), "ask": ("text",), "request-changes": ("1", "-m", "x"), "fail": ("1", "-m", "x")},
    **{"add": ("title",), "spawn": ("title",), "edit": ("1", "--priority", "1")},
    **{"send": ("@human", "text"), "reply": ("1", "text"), "ack": ("1",), "tail": ("news",)},
}


def test_outside_a_repository_every_verb_says_so(tmp_path: Path) -> None:
    verbs = [verb for verb in VERBS if verb not in ("demo", "completion", "help")]
    commands = [("git-agent", verb, "--json", *NEEDS.get(verb, ())) for verb in verbs]
    for result in run_at_once(commands, cwd=tmp_path):
        _error(result, "not-a-repository", 1)


def test_without_a_store_a_verb_that_makes_none_says_so(repo: Sandbox) -> None:
    makes = {"init", "config", "trust", "add", "spawn", "demo", "completion", "help", "hooks", "deinit", "doctor"}
    for result in repo.parallel([(verb, "--json", *NEEDS.get(verb, ())) for verb in VERBS.keys() - makes]):
        _error(result, "no-store", 1)
    assert not repo.store.exists()


def test_json_is_ascii_whatever_a_text_holds(repo: Sandbox) -> None:
    title = "日本語 \u202e \x1b[0m \x7f"
    said = repo.agent("add", "--json", "--title", title)
    assert said.json()["task"]["title"] == title and said.out.isascii()
