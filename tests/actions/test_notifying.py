"""`agent.notify`: a person is called when one is needed, once each time, and no verb minds how that goes."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from git_agent.render.contract import EVENT, NOTIFICATION
from tests.cli.following import following
from tests.faults.world import Worlds
from tests.hooks.crowd import BRANCH, Scene, eventually
from tests.hooks.crowd import newer_git as newer_git
from tests.hooks.crowd import scene as scene
from tests.hooks.crowd import scenes as scenes
from tests.sandbox import Sandbox
from tests.store.children import run

# Each call is a file of its own, made whole under another name first.
NOTIFY = 'mkdir -p "{0}" && cat >"{0}/$$.new" && mv "{0}/$$.new" "{0}/$$.json"'
# A process that asks for a task and is killed before it calls anybody.
KILLED = """
store = Store.open(sys.argv[1], create=False)
with store.transaction():
    store.events.append("task.asked", "worker 1.1", task=1, data={"text": "Why?"})
os.kill(os.getpid(), signal.SIGKILL)
"""
ROLLED_BACK = """
store = Store.open(sys.argv[1], create=False)
try:
    with store.transaction():
        store.events.append("task.asked", "worker 1.1", task=1, data={"text": "Never said"})
        raise ZeroDivisionError
except ZeroDivisionError:
    pass
from git_agent.actions.views.notify import notify
from git_agent.app import App
os.chdir(sys.argv[2])
app = App()
app.store = store
say(notify(app, store.events.take_calls(), lambda call: "never"))
"""


class Calls:
    """What a person was told: a directory with a file for each call."""

    def __init__(self, directory: Path, *repositories: Sandbox) -> None:
        self.directory = directory
        self.command = NOTIFY.format(directory)
        for each in repositories:
            each.git("config", "agent.notify", self.command)

    def now(self) -> list[dict[str, Any]]:
        """Return the calls that came, in the order of their events."""
        found = [json.loads(file.read_text()) for file in self.directory.glob("*.json")]
        return sorted(found, key=lambda call: int(call["event"]["seq"]))

    def whys(self) -> list[str]:
        """Return what each was for."""
        return [call["why"] for call in self.now()]

    def become(self, whys: list[str]) -> None:
        """Wait for these calls; nobody waits for the command, so they come a little later."""
        eventually(lambda: self.whys() == whys, self.whys)


def _started(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.agent("start", "1")


@pytest.fixture
def calls(repo: Sandbox, worlds: Worlds, tmp_path: Path) -> Calls:
    """Return the calls of a repository with one task, WORKING."""
    return Calls(tmp_path / "calls", worlds.lend(repo, _started))


@pytest.mark.rest
def test_each_kind_of_need_calls_once_with_the_event_and_what_to_type(repo: Sandbox, calls: Calls) -> None:
    repo.git("config", "agent.check", "test ! -e broken.txt")
    repo.agent("ask", "Which database?", "--task", "1")
    repo.agent("answer", "1", "The small one")
    repo.commit(repo.worktree(1), "README.md", "mine\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.commit(repo.worktree(1), "README.md", "mine, and more\n")
    repo.agent("list")  # it moved
    repo.agent("approve", "1")
    repo.commit(None, "README.md", "theirs\n")
    repo.agent("merge", "1", exit=4)
    repo.agent("fail", "1", "-m", "No use")
    repo.agent("spawn", "Break it")
    repo.commit(repo.worktree(2), "broken.txt", "x\n")
    repo.agent("done", "2")
    repo.agent("approve", "2")
    repo.agent("merge", "2", exit=None)
    wanted = ["question", "review wanted", "review wanted", "conflict", "failed", "review wanted", "check failed"]
    calls.become(wanted)
    first = calls.now()[0]
    assert first.keys() == NOTIFICATION.keys() and first["event"].keys() == EVENT.keys()
    assert (first["schema"], first["event"]["kind"], first["event"]["task"]) == (1, "task.asked", 1)
    assert first["text"] == "task 1 (Fix login): question: Which database?"
    assert first["command"] == "git agent answer 1 TEXT" and first["event"]["data"] == {"text": "Which database?"}
    kinds = ["asked", "done", "moved", "conflicted", "failed", "done", "check-failed"]
    assert [call["event"]["kind"] for call in calls.now()] == [f"task.{kind}" for kind in kinds]


def test_what_needs_nobody_calls_nobody(repo: Sandbox, calls: Calls) -> None:
    for line in (["heartbeat", "1", "-m", "here"], ["add", "Other"], ["claim", "2"], ["release", "2"], ["list"]):
        repo.agent(*line)
    assert calls.now() == [] and not (repo.store.parent / "notify.log").exists()


@pytest.mark.rest
@pytest.mark.timeout(110)
def test_16_processes_at_once_call_once_for_each_of_theirs(repo: Sandbox, tmp_path: Path) -> None:
    tasks = [str(number) for number in range(1, 17)]
    for task in tasks:
        repo.agent("add", f"Task {task}")
    repo.parallel([("spawn", task) for task in tasks])
    repo.parallel([("start", task) for task in tasks])
    calls = Calls(tmp_path / "calls", repo)
    with following(repo):  # which calls for what it sees, too
        results = repo.parallel([("ask", f"Question {task}", "--task", task) for task in tasks])
        assert {result.code for result in results} == {0}, results
        eventually(lambda: len(calls.now()) >= 16, calls.now)
        time.sleep(1)
    assert Counter(call["event"]["task"] for call in calls.now()) == Counter(range(1, 17))


@pytest.mark.parametrize("scene", ["machine"], indirect=True)
def test_a_push_calls_once_with_no_command_of_ours(scene: Scene) -> None:
    calls = Calls(scene.root.parent / "calls", scene.sandbox)
    calls.directory.mkdir(exist_ok=True)
    for file in calls.directory.iterdir():
        file.unlink()
    scene.sandbox.git("push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    calls.become(["review wanted"])
    scene.settles()
    scene.sandbox.agent("list")
    assert [call["event"]["kind"] for call in calls.now()] == ["task.pushed"]


BAD = {
    "missing": "no-such-command",
    "fails": "echo oops; exit 3",
    "hangs": "exec sleep 12 >&- 2>&-",
    "killed": "kill $$",
}


@pytest.mark.parametrize("name", BAD)
def test_a_command_that_does_badly_disturbs_no_verb(repo: Sandbox, calls: Calls, name: str) -> None:
    repo.git("config", "agent.notify", BAD[name])
    began = time.monotonic()
    said = repo.agent("ask", "x" * 60_000, "--task", "1")
    assert (said.out, said.err) == ("task 1 is WORKING needs_input\n", "") and time.monotonic() - began < 10
    log = repo.store.parent / "notify.log"
    if name in ("missing", "fails"):
        eventually(lambda: {"missing": "not found", "fails": "oops"}[name] in log.read_text(), log.read_text)
    assert log.stat().st_mode & 0o777 == 0o600


def test_what_it_prints_does_not_fill_the_disk(repo: Sandbox, calls: Calls) -> None:
    repo.git("config", "agent.notify", "yes | head -c 300000")
    log = repo.store.parent / "notify.log"
    for _ in range(3):
        repo.agent("ask", "Why?", "--task", "1")
        eventually(lambda: log.stat().st_size == 300_000, lambda: log.stat().st_size)


def test_a_log_that_is_a_link_is_said_and_its_victim_is_left_alone(repo: Sandbox, calls: Calls, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    (repo.store.parent / "notify.log").symlink_to(victim)
    said = repo.agent("ask", "Why?", "--task", "1")
    assert said.err.startswith("note: agent.notify was not run: ") and victim.read_text() == "mine\n"


def test_a_long_text_arrives_whole_and_is_never_part_of_a_command(repo: Sandbox, calls: Calls) -> None:
    text = "$(touch owned) `touch owned` ; touch owned \x1b[31m \u202e 日本 " * 1000
    repo.agent("ask", text, "--task", "1")
    calls.become(["question"])
    (call,) = calls.now()
    assert call["event"]["data"]["text"] == text and len(text) > 40_000
    assert "\x1b" not in call["text"] and len(call["text"]) < 300 and not (repo.path / "owned").exists()


def test_it_runs_in_the_main_worktree_as_nobodys_worker(repo: Sandbox, calls: Calls, tmp_path: Path) -> None:
    repo.git("config", "agent.notify", f'(pwd; env) >"{tmp_path}/new" && mv "{tmp_path}/new" "{tmp_path}/seen"')
    env = {"GIT_AGENT_ACTOR": "ben", "GIT_AGENT_TASK": "1", "GIT_AGENT_TOKEN": "secret", "GIT_INDEX_FILE": "/nowhere"}
    repo.agent("ask", "Why?", cwd=repo.worktree(1), env=env)
    eventually((tmp_path / "seen").exists, lambda: "nothing ran")
    where, *variables = (tmp_path / "seen").read_text().splitlines()
    assert where == os.path.realpath(repo.path)
    tied = ("GIT_AGENT_", "GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE")
    assert [each for each in variables if each.startswith(tied)] == []


def test_what_was_before_the_key_was_set_is_history(repo: Sandbox, calls: Calls) -> None:
    repo.git("config", "--unset", "agent.notify")
    repo.agent("ask", "Before?", "--task", "1")
    repo.git("config", "agent.notify", calls.command)
    repo.agent("list")
    repo.agent("ask", "After?", "--task", "1")
    calls.become(["question"])
    assert calls.now()[0]["event"]["data"] == {"text": "After?"}


def test_the_key_can_be_given_for_one_command_or_taken_from_it(repo: Sandbox, calls: Calls) -> None:
    repo.git("config", "--unset", "agent.notify")
    assert repo.run("git", "-c", f"agent.notify={calls.command}", "agent", "ask", "One?", "--task", "1").code == 0
    calls.become(["question"])
    repo.git("config", "agent.notify", calls.command)
    assert repo.run("git", "-c", "agent.notify=", "agent", "ask", "Two?", "--task", "1").code == 0
    time.sleep(0.5)
    assert len(calls.now()) == 1


def test_a_committed_command_calls_only_once_it_is_trusted(repo: Sandbox, calls: Calls) -> None:
    repo.git("config", "--unset", "agent.notify")
    quoted = calls.command.replace("\\", "\\\\").replace('"', '\\"')
    repo.commit(None, ".gitagent", f'[agent]\n\tnotify = "{quoted}"\n')
    repo.agent("ask", "One?", "--task", "1")
    repo.agent("trust")
    repo.agent("ask", "Two?", "--task", "1")
    calls.become(["question"])
    assert calls.now()[0]["event"]["data"] == {"text": "Two?"}


def test_what_is_refused_or_done_already_calls_nobody(repo: Sandbox, calls: Calls) -> None:
    repo.agent("done", "1", exit=3)  # no commits
    repo.agent("done", "1", "--allow-empty")
    repo.agent("done", "1", "--allow-empty")
    calls.become(["review wanted"])
    assert run(ROLLED_BACK, repo.store.parent, repo.path).strip() == "0"


def test_a_watch_calls_for_a_process_that_was_killed(repo: Sandbox, calls: Calls) -> None:
    with following(repo, "--json", "--since", "1") as watch:
        assert watch.event()["seq"] == 2 and watch.event()["seq"] == 3
        with pytest.raises(AssertionError, match="exit -9"):
            run(KILLED, repo.store.parent)
        assert watch.event()["kind"] == "task.asked"
        calls.become(["question"])
        repo.agent("ask", "More?", "--task", "1")
        calls.become(["question", "question"])


def test_a_watch_leaves_no_zombies(repo: Sandbox, calls: Calls) -> None:
    with following(repo, "--json", "--since", "2") as watch:
        watch.event()
        for number in range(1, 4):
            repo.run("git", "-c", "agent.notify=", "agent", "ask", "Why?", "--task", "1")
            calls.become(["question"] * number)
        children = Path(f"/proc/{watch.process.pid}/task/{watch.process.pid}/children")
        if children.exists():
            assert len(children.read_text().split()) <= 2
