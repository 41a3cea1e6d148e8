"""`claim` gives the next task that can be started, tells a person of the others, and waits for a task if asked to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.whole import rows, wrong
from tests.sandbox import Result, Sandbox

TREE = ".worktrees/"


@pytest.fixture
def queue(repo: Sandbox) -> Sandbox:
    """Two tasks in the queue; the first of them has the base `next`."""
    repo.git("branch", "next")
    repo.agent("add", "One", "--base", "next", "-p", "0")
    repo.agent("add", "Two", "-p", "1")
    return repo


def why(repo: Sandbox, task: int) -> str:
    """Return why a task of the queue can't be claimed, "" if it can."""
    return next((each["why"] for each in repo.agent_json("ready")["blocked"] if each["task"] == task), "")


def needs(repo: Sandbox, task: int) -> tuple[str, str]:
    found = {each["task"]: (each["why"], each["command"]) for each in repo.agent_json("status")["needs_you"]}
    return found.get(task, ("", ""))


def only_first_fails(repo: Sandbox) -> str:
    repo.git("config", "agent.setup", 'test "$GIT_AGENT_TASK" != 1')
    return "could not be started: the setup command failed"


def base_deleted(repo: Sandbox) -> str:
    repo.git("branch", "-D", "next")
    return "its base 'next' is gone: git agent edit 1 --base BRANCH"


def branch_exists(repo: Sandbox) -> str:
    repo.git("branch", "agent/1-one")
    return "the branch 'agent/1-one' is in the way: git agent spawn 1 --branch agent/1-one"


def branch_below(repo: Sandbox) -> str:
    repo.git("branch", "Agent/1-ONE/deep")
    return "the branch 'Agent/1-ONE/deep' is in the way: git branch -m Agent/1-ONE/deep NEW-NAME"


def directory_there(repo: Sandbox) -> str:
    repo.write(f"{repo.path}{TREE}1-one/notes.txt", "mine\n")
    return "1-one is taken: mv "


def filter_fails(repo: Sandbox) -> str:
    repo.git("switch", "--quiet", "next")
    repo.commit(None, ".gitattributes", "*.bin filter=broken\n")
    repo.commit(None, "a.bin", "a\n")
    repo.git("switch", "--quiet", "main")
    repo.git("config", "filter.broken.smudge", "false")
    repo.git("config", "filter.broken.required", "true")
    return "could not be started: external filter 'false' failed 1"


def context_tracked(repo: Sandbox) -> str:
    repo.git("switch", "--quiet", "next")
    repo.write(".worker-ctx.json", "{}\n")
    repo.git("add", "--force", ".worker-ctx.json")
    repo.git("commit", "--quiet", "-m", "Track it")
    repo.git("switch", "--quiet", "main")
    return "could not be started: .worker-ctx.json is tracked"


BROKEN = [only_first_fails, base_deleted, branch_exists, branch_below, directory_there, filter_fails, context_tracked]


@pytest.mark.parametrize("broken", BROKEN)
def test_the_next_task_is_claimed_when_the_first_can_not_be_started(
    queue: Sandbox, broken: Callable[[Sandbox], str]
) -> None:
    says = broken(queue)
    claimed = queue.agent_json("claim")["task"]
    assert claimed["id"] == 2 and claimed["state"] == "ASSIGNED"
    assert says in why(queue, 1) and why(queue, 1) == ": ".join(needs(queue, 1))
    assert needs(queue, 1)[1].startswith(("git ", "mv ")) and queue.tasks()[1]["state"] == "OPEN"
    assert [each for each in wrong(queue) if not each.startswith("stray")] == []  # what stood in the way is still there
    assert f"1: {why(queue, 1)}" in queue.agent("ready", "--why").out
    assert queue.agent_json("claim", exit=6)["error"]["code"] == "nothing-ready"


def test_nor_does_it_stop_a_run_that_takes_the_next_task(queue: Sandbox) -> None:
    only_first_fails(queue)
    queue.agent("run", "--", "sh", "-c", "echo a > a; git add a; git commit -qm a")
    assert [task["state"] for task in queue.tasks().values()] == ["OPEN", "IN_REVIEW"]


def test_a_setup_that_fails_is_told_and_not_run_again_at_once(queue: Sandbox) -> None:
    tries = queue.path.parent / "tries"
    queue.git("config", "agent.setup", f'echo "$GIT_AGENT_TASK" >> "{tries}"; test "$GIT_AGENT_TASK" != 1')
    said = queue.agent("claim").err
    assert "task 1 could not be started: the setup command failed with 1" in said and "git agent spawn 1" in said
    queue.agent("add", "Three")
    queue.agent("claim")
    assert tries.read_text().split() == ["1", "2", "3"]
    assert "task.not-started" in queue.agent("log", "1").out


def test_a_person_may_start_such_a_task_at_once(queue: Sandbox) -> None:
    only_first_fails(queue)
    queue.agent("claim")
    queue.git("config", "agent.setup", "true")
    queue.agent("claim", "1")
    assert needs(queue, 1) == ("", "") and rows(queue, "select * from meta where key like 'unstarted:%'") == []


def test_editing_such_a_task_puts_it_at_the_head_of_the_queue_again(queue: Sandbox) -> None:
    filter_fails(queue)
    queue.agent("claim")
    queue.agent("edit", "1", "--base", "main")
    assert queue.agent_json("claim")["task"]["id"] == 1


def test_the_first_error_is_given_when_no_task_can_be_started(queue: Sandbox) -> None:
    queue.git("config", "agent.setup", 'echo "no network for $GIT_AGENT_TASK"; exit 7')
    said = queue.agent("claim", exit=1).err
    assert "the setup command failed with 7" in said and "no network for 1" in said
    assert [task["state"] for task in queue.tasks().values()] == ["OPEN", "OPEN"] and wrong(queue) == []


def test_what_keeps_every_task_from_being_started_is_no_fault_of_the_first(queue: Sandbox) -> None:
    queue.git("config", "agent.worktreeDir", "../a file/trees")
    queue.write(queue.path.parent / "a file", "")
    assert "a file is in the way" in queue.agent("claim", exit=3).err
    assert why(queue, 1) == why(queue, 2) == "" and rows(queue, "select * from meta where key like 'unstarted:%'") == []


@pytest.fixture
def waiting(repo: Sandbox) -> Iterator[Callable[..., Callable[[], Result]]]:
    """Return what runs a command in the background; call its result to wait for the end."""
    threads: list[threading.Thread] = []

    def start(*args: str) -> Callable[[], Result]:
        ended: list[Result] = []
        thread = threading.Thread(target=lambda: ended.append(repo.agent(*args, exit=None)))
        thread.start()
        threads.append(thread)

        def end() -> Result:
            thread.join()
            return ended[0]

        return end

    yield start
    for thread in threads:
        thread.join()


def land(repo: Sandbox, task: int) -> None:
    repo.commit(repo.worktree(task), f"{task}.txt", f"{task}\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, str(task))


def test_claiming_one_task_waits_until_what_it_waits_for_is_completed(
    repo: Sandbox, waiting: Callable[..., Callable[[], Result]]
) -> None:
    repo.agent("spawn", "First")
    repo.agent("add", "Second", "--after", "1")
    ends = waiting("claim", "2", "--wait", "--timeout", "60")
    land(repo, 1)
    said = ends()
    assert said.code == 0 and repo.tasks()[2]["state"] == "ASSIGNED"


def test_it_waits_until_the_paths_of_the_task_are_free(
    repo: Sandbox, waiting: Callable[..., Callable[[], Result]]
) -> None:
    repo.git("config", "agent.pathClaims", "refuse")
    repo.agent("spawn", "First", "--path", "src")
    repo.git("config", "agent.pathClaims", "warn")
    repo.agent("add", "Second", "--path", "src")
    repo.git("config", "agent.pathClaims", "refuse")
    ends = waiting("claim", "2", "--wait", "--timeout", "60")
    repo.agent("cancel", "1")
    assert ends().code == 0


def test_it_says_what_it_waits_for_and_gives_up_in_time(repo: Sandbox) -> None:
    repo.agent("spawn", "First")
    repo.agent("add", "Second", "--after", "1")
    assert repo.agent("claim", "2", exit=3).err.count("waits for task 1 (ASSIGNED)") == 1
    said = repo.agent("claim", "2", "--wait", "--timeout", "0.2", exit=6).err
    assert "task 2 is not ready: waits for task 1 (ASSIGNED)" in said


def test_it_does_not_wait_for_a_task_that_somebody_has(repo: Sandbox, tmp_path: Path) -> None:
    repo.agent("spawn", "First")
    assert "it is ASSIGNED" in repo.agent("claim", "1", "--wait", exit=3).err


def test_it_ends_when_the_task_is_cancelled(repo: Sandbox, waiting: Callable[..., Callable[[], Result]]) -> None:
    repo.agent("spawn", "First")
    repo.agent("add", "Second", "--after", "1")
    ends = waiting("claim", "2", "--wait", "--timeout", "60")
    repo.agent("cancel", "2")
    assert ends().code == 3
