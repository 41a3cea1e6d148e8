"""What people and agents type in a hurry works, or is answered with what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def where(repo: Sandbox) -> Path:
    repo.agent("spawn", "Work")
    return repo.worktree(1)


# Titles.


def test_further_lines_of_a_title_become_the_body(repo: Sandbox) -> None:
    task = repo.agent_json("add", "Fix login\n\nIt fails since Monday.\n- at once\n")["task"]
    assert (task["title"], task["body"]) == ("Fix login", "It fails since Monday.\n- at once")


@pytest.mark.parametrize("words", [("add",), ("spawn",), ("add", "--title")])
def test_a_title_that_is_too_long_is_cut_after_a_word_and_the_body_has_it_whole(
    repo: Sandbox, words: tuple[str, ...]
) -> None:
    text = "Make it possible to " + "really " * 40 + "log in"
    task = repo.agent_json(*words, text)["task"]
    assert len(task["title"]) <= 200 and task["title"].endswith(" really…")
    assert task["body"] == text


def test_a_body_that_is_given_comes_after_the_rest_of_the_title(repo: Sandbox) -> None:
    repo.agent("add", "Fix login\nSince Monday.", "-F", "-", stdin="Details\n")
    assert repo.tasks()[1]["body"] == "Since Monday.\n\nDetails\n"


def test_an_edit_still_takes_one_line(repo: Sandbox) -> None:
    repo.agent("add", "Fix login", "-F", "-", stdin="Details\n")
    assert "a title is one line" in repo.agent("edit", "1", "--title", "One\nTwo", exit=2).err
    assert repo.tasks()[1]["body"] == "Details\n"


# exec.


def test_exec_needs_no_dashes(repo: Sandbox, where: Path) -> None:
    assert repo.agent("exec", "1", "pwd").out == f"{where}\n"
    assert repo.agent("exec", "1", "sh", "-c", "echo $1", "sh", "--json").out == "--json\n"
    repo.agent("exec", "1", "git", "log", "--", "a.txt")
    assert repo.agent("exec", "1", "--", "echo", "--", "x").out == "-- x\n"
    assert "no command is given" in repo.agent("exec", "1", exit=2).err


def test_exec_says_the_number_of_the_task_and_gives_no_token_away(repo: Sandbox, where: Path) -> None:
    show = ("sh", "-c", "echo $GIT_AGENT_TASK ${GIT_AGENT_TOKEN:-none} ${GIT_AGENT_EPOCH:-none}")
    assert repo.agent("exec", "1", "--", *show).out == "1 none none\n"
    other = {"GIT_AGENT_TASK": "7"}
    assert repo.agent("exec", "1", "--", *show, cwd=where, env=other).out == "1 none none\n"


# Requests for changes.


def test_a_request_for_changes_is_read_from_a_file_or_standard_input(repo: Sandbox, where: Path) -> None:
    text = 'f.txt:1: no\n\nf.txt:2: "quoted" $(id)\n'
    for file in ("-", str(repo.write("review", text))):
        repo.commit(where, "work.txt", file)
        repo.agent("done", "1")
        repo.agent("request-changes", "1", "-F", file, stdin=text)
    bodies = [message["body"] for message in repo.agent_json("inbox", "--as", "1", "--peek")["messages"]]
    assert bodies == [text] * 2


@pytest.mark.parametrize("words", [(), ("-m", "a", "-F", "-"), ("-F", "missing")])
def test_it_is_said_in_one_way(repo: Sandbox, where: Path, words: tuple[str, ...]) -> None:
    repo.agent("done", "1", "--allow-empty")
    assert "hint: " in repo.agent("request-changes", "1", *words, exit=None).err
    assert repo.tasks()[1]["state"] == "IN_REVIEW"


# Who reads a message.


def test_a_message_that_nobody_reads_now_says_so(repo: Sandbox, where: Path) -> None:
    repo.agent("add", "Other")
    assert "nobody works on task 2, which is OPEN" in repo.agent("send", "2", "Hello").err
    assert repo.agent("send", "1", "@human", "Hello").err == "", "somebody may work by hand"
    repo.agent("run", "1", "--", "git", "agent", "send", "@human", "Port?", exit=None)
    assert "nobody runs task 1 now: git agent run 1 -- COMMAND" in repo.agent("send", "1", "Hello").err
    number = next(m["id"] for m in repo.agent_json("inbox")["messages"] if m["body"] == "Port?")
    assert "nobody runs task 1 now" in repo.agent("reply", str(number), "8421").err


def test_so_does_one_to_work_in_review_and_to_a_failed_task(repo: Sandbox, where: Path) -> None:
    repo.agent("run", "1", "--", "sh", "-c", "echo x >x && git add x && git commit -qm x")
    assert "nobody runs task 1 now, which is IN_REVIEW" in repo.agent("send", "1", "Hello").err
    repo.agent("fail", "1", "-m", "no")
    assert "nobody works on task 1, which is FAILED" in repo.agent("send", "1", "Hello").err


# What failed.


def command(repo: Sandbox) -> str:
    return str(repo.agent_json("status")["needs_you"][0]["command"])


def test_a_failed_command_names_its_output_first(repo: Sandbox, where: Path) -> None:
    repo.agent("run", "1", "--", "false", exit=1)
    assert command(repo) == "git agent logs 1; git agent retry 1"
    repo.git("config", "agent.run.tester", "sh -c 'echo x >x && git add x && git commit -qm x'")
    repo.git("config", "agent.defaultAgent", "tester")
    assert command(repo) == "git agent logs 1; git agent retry 1 --run"


def test_what_failed_by_hand_has_no_output(repo: Sandbox, where: Path) -> None:
    repo.agent("fail", "1", "-m", "no")
    assert command(repo) == "git agent retry 1"


def test_retry_runs_the_agent_again(repo: Sandbox, where: Path) -> None:
    repo.agent("run", "1", "--", "false", exit=1)
    assert "no agent is configured" in repo.agent("retry", "1", "--run", exit=2).err
    assert repo.tasks()[1]["state"] == "FAILED", "nothing is half done"
    repo.git("config", "agent.run.tester", "sleep 100")
    repo.git("config", "agent.defaultAgent", "tester")
    assert "task 1 is running: process" in repo.agent("retry", "1", "--run").out
    task = repo.tasks()[1]
    assert (task["state"], task["attempt"]) == ("WORKING", 2)
    repo.agent("stop", "1")


@pytest.mark.parametrize("hold", [("ask", "Which port?"), ("stop",)], ids=lambda hold: hold[0])
def test_a_heartbeat_of_a_held_task_takes_no_lease(repo: Sandbox, where: Path, hold: tuple[str, ...]) -> None:
    if hold[0] == "stop":
        repo.agent("run", "1", "--", "sh", "-c", "git agent stop 1; sleep 60", exit=None)
    else:
        repo.agent("start", "1")
        repo.agent(*hold, cwd=where)
    assert repo.tasks()[1]["hold"]
    repo.agent("heartbeat", "-m", "still here", cwd=where)
    assert repo.tasks()[1]["worker"]["liveness"] == "none"
    assert "still here" in repo.agent("log", "1").out
    assert repo.agent_json("doctor", exit=None)["findings"] == []


def test_a_heartbeat_names_the_hold(repo: Sandbox, where: Path) -> None:
    repo.agent("start", "1")
    repo.agent("ask", "Which port?", "--task", "1")
    assert repo.agent("heartbeat", "1").out == "task 1 is WORKING needs_input\n"
    repo.agent("answer", "1", "8421")
    assert repo.agent("heartbeat", "1").out == "task 1 is WORKING\n"
