"""One invocation around every action: a second front end causes exactly what the command line causes."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_agent.actions.lookup import find
from git_agent.actions.tasks.lifecycle import fail
from git_agent.actions.tasks.review import approve
from git_agent.errors import AgentError
from git_agent.render.json import notification_document
from git_agent.runtime.invocation import Invocation, become
from git_agent.store.store import Store
from tests.faults.world import Worlds
from tests.hooks.crowd import eventually
from tests.sandbox import Sandbox, copied
from tests.store.children import run


class SecondFrontEnd:
    """What a page or a board does with one task; it knows the invocation and the action, and nothing else."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.answer = ""

    def approve(self, ref: str) -> None:
        """Approve a task, and keep what the user is to read."""
        invocation = Invocation("approve", notification_document)
        try:
            with invocation as app:
                taken = approve(app, find(app, ref), note="Well done")
                self.answer = f"{taken.task.label} is {taken.task.state}"
                self.said += invocation.notes()
        finally:
            self.said += invocation.notes()


def _reviewed(repo: Sandbox) -> None:
    """Task 1 waits for review; task 2 moved after its approval, which nobody has noticed; its worker has mail."""
    for number, title in ((1, "Fix login"), (2, "Fix logout")):
        repo.agent("spawn", title)
        repo.commit(repo.worktree(number), f"{number}.txt", "one\n")
        repo.agent("done", str(number))
    repo.agent("approve", "2")
    repo.agent("send", "2", "Look at task 1")
    store = Store.open(str(repo.store.parent), create=False)
    with store.transaction():
        store.meta.put("hooks", "on+guard")  # so that the files that agent.guard reads are written
    store.close()
    repo.commit(repo.worktree(2), "2.txt", "two\n")


class Scene:
    """A prepared repository, and a directory with a file for each run of agent.notify."""

    def __init__(self, repo: Sandbox, calls: Path) -> None:
        self.repo, self.calls = repo, calls
        calls.mkdir()
        notify = f'cat >"{calls}/$$.new" && mv "{calls}/$$.new" "{calls}/$$.json"'
        repo.git("config", "agent.notify", notify)

    def notified(self) -> list[dict[str, Any]]:
        """Return what agent.notify was given, without times."""
        found = [json.loads(file.read_text()) for file in sorted(self.calls.glob("*.json"))]
        return [{**each, "at": None, "event": {**each["event"], "at": None}} for each in found]

    def caused(self) -> dict[str, Any]:
        """Return everything that the store and agent.guard's files hold, without times."""
        store = Store.open(str(self.repo.store.parent), create=False)
        happened = [(e.kind, e.task, e.actor, dict(e.data)) for e in store.events.of_task(None)]
        sent = [(m.id, m.sender, m.to, m.body, m.state) for task in (1, 2) for m in store.messages.of_task(task)]
        store.close()
        guarded = {name: (self.repo.store.parent / name).read_text() for name in ("protected", "claims")}
        return {"events": happened, "messages": sent, "guard": guarded}


@pytest.mark.parametrize("speaker", ["person", "worker"])
def test_a_second_front_end_causes_what_the_command_causes(
    repo: Sandbox, worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speaker: str
) -> None:
    first = Scene(worlds.lend(repo, _reviewed), tmp_path / "first")
    repo.git("config", "agent.workersReview", "true")
    where = repo.path if speaker == "person" else repo.worktree(2)
    typed = repo.agent("approve", "1", "-m", "Well done", cwd=where)
    eventually(first.notified, lambda: "nobody was notified")
    wanted = first.caused(), first.notified()

    second, front = Scene(worlds.lend(repo, _reviewed), tmp_path / "second"), SecondFrontEnd()
    repo.git("config", "agent.workersReview", "true")
    monkeypatch.chdir(where)
    front.approve("1")
    eventually(second.notified, lambda: "nobody was notified")

    assert (second.caused(), second.notified()) == wanted
    assert [f"note: {line}" for line in front.said] == typed.err.splitlines()
    assert typed.out.startswith(front.answer) and front.answer == "task 1 is APPROVED"
    # What they agree on is not nothing.
    caused, notified = wanted
    assert [kind for kind, *_ in caused["events"][-2:]] == ["task.moved", "task.approved"]
    assert [call["event"]["kind"] for call in notified] == ["task.moved"] and "Well done" in str(caused["messages"])
    assert len(front.said) == (1 if speaker == "person" else 2) and "refs/heads/main" in caused["guard"]["protected"]
    assert ("new messages (1): git agent inbox" in front.said) is (speaker == "worker")


def _open_stores(repo: Sandbox) -> list[str]:
    links = (os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink())
    return [link for link in links if link == str(repo.store)]


@pytest.mark.parametrize("error", [AgentError("no-luck", "it failed", "try again"), KeyboardInterrupt()])
def test_an_action_that_raises_is_followed_by_the_same(
    repo: Sandbox, worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    scene = Scene(worlds.lend(repo, _reviewed), tmp_path / "calls")
    monkeypatch.chdir(repo.path)
    invocation = Invocation("approve", notification_document, reconciles=False)
    with pytest.raises(type(error)), invocation as app:
        fail(app, find(app, "1"), "No use")
        app.notice("worth knowing")
        raise error
    eventually(scene.notified, lambda: "nobody was notified")
    assert [call["why"] for call in scene.notified()] == ["failed"]
    assert (repo.store.parent / "protected").exists()
    assert invocation.notes() == ["worth knowing"] and invocation.notes() == []
    if Path("/proc/self/fd").is_dir():
        assert _open_stores(repo) == []


def test_a_store_that_cannot_be_reconciled_is_closed(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.agent("spawn", "Fix login")
    monkeypatch.chdir(repo.path)
    head = repo.path / ".git/HEAD"
    invocation = Invocation("approve", notification_document)
    _ = invocation.app.store
    before, _ = head.read_text(), head.write_text("broken")
    try:
        with pytest.raises(AgentError), invocation:
            pytest.fail("the action ran")
    finally:
        head.write_text(before)
    if Path("/proc/self/fd").is_dir():
        assert _open_stores(repo) == []


def test_what_goes_wrong_with_agent_notify_is_a_note(
    repo: Sandbox, worlds: Worlds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Scene(worlds.lend(repo, _reviewed), tmp_path / "calls")
    (repo.store.parent / "notify.log").symlink_to(tmp_path / "elsewhere")
    monkeypatch.chdir(repo.path)
    front = SecondFrontEnd()
    front.approve("1")
    assert front.answer == "task 1 is APPROVED"
    assert front.said[-1].startswith("agent.notify was not run: ") and not (tmp_path / "elsewhere").exists()


# Root may write everywhere: it becomes nobody once everything is imported, which nobody may not be able to read.
READ_ONLY = """
import subprocess
from git_agent.actions.views.task import list_tasks
from git_agent.runtime.invocation import Invocation
os.environ["GIT_CONFIG_COUNT"], os.environ["GIT_CONFIG_KEY_0"] = "1", "safe.directory"
os.environ["GIT_CONFIG_VALUE_0"] = "*"
os.chdir(sys.argv[1])

def listed():
    invocation = Invocation("list", str)
    with invocation as app:
        return [each.task.name for each in list_tasks(app)], invocation.notes()

before = listed()
subprocess.run(["git", "commit", "-q", "--allow-empty", "-m", "More"], cwd=sys.argv[2], check=True)
os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
store = os.path.join(".git", "git-agent")
for name in os.listdir(store):
    if os.path.isfile(os.path.join(store, name)):
        os.chmod(os.path.join(store, name), 0o444)
os.chmod(store, 0o555)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
say(json.dumps([before, listed()]))
"""


@pytest.fixture
def public(template: Path) -> Iterator[Sandbox]:
    """Return a repository in a place that other users can reach."""
    with tempfile.TemporaryDirectory() as top:
        Path(top).chmod(0o755)
        repo = Sandbox(copied(template, Path(top) / "shared"))
        repo.path.chmod(0o755)
        yield repo
        for path in [Path(top), *Path(top).rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o700)


def test_an_action_that_only_reads_works_where_the_store_cannot_be_written(public: Sandbox) -> None:
    public.agent("spawn", "Fix login")
    said = run(READ_ONLY, public.path, public.worktree(1)).splitlines()[-1]
    before, (names, notes) = json.loads(said)
    assert before == [["fix-login"], []] and names == ["fix-login"]
    assert len(notes) == 1 and notes[0].endswith(": not reconciled with git")


@pytest.mark.parametrize("verb", [["diff", "1"], ["exec", "1", "--", "true"], ["rescue", "show", "1/1"]])
def test_a_verb_that_becomes_another_program_notifies_and_says_its_notes_before(
    repo: Sandbox, worlds: Worlds, tmp_path: Path, verb: list[str]
) -> None:
    scene = Scene(worlds.lend(repo, _reviewed), tmp_path / "calls")
    repo.git("update-ref", "--create-reflog", "refs/git-agent/rescue/1/1", "agent/1-fix-login")
    said = repo.agent(*verb)
    assert said.err.startswith("note: task 2 has new commits since its approval")
    eventually(scene.notified, lambda: "nobody was notified")


def test_a_program_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    for name, hint in (("no-such-program", "command -v no-such-program"), ("./none", f"ls -l {tmp_path}/./none")):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(AgentError, match="cannot run") as raised:
            patch.chdir(Path.cwd())  # so that it is put back
            become([name], cwd=str(tmp_path))
        assert raised.value.hint == hint
        assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN  # a closed pipe must not kill who reports the error
