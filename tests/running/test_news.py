"""What an agent is told when its task is run again: it remembers nothing of the run before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running.stage import WORK, Stage, eventually
from tests.running.stage import stage as stage

FIRST = "Task 1: Fix login"


@pytest.fixture
def told(stage: Stage, tmp_path: Path) -> Stage:
    """Return a stage whose agent writes down its prompt, works and ends; it asks, fails or leaves a file if told to."""
    agent = tmp_path / "agent"
    agent.write_text(f"""#!/bin/sh
printf '%s' "$1" >{tmp_path}/prompt
[ -e {tmp_path}/ask ] && exec git agent ask "$(cat {tmp_path}/ask)"
[ -e {tmp_path}/leave ] && echo x >left.txt
[ -e {tmp_path}/fail ] && echo broken && exit 3
{WORK}
""")
    agent.chmod(0o755)
    stage.box.git("config", "agent.run.x", f"{agent} {{prompt}}")
    stage.box.git("config", "agent.defaultAgent", "x")
    stage.box.agent("spawn", "Fix login")
    return stage


def run(stage: Stage, tmp_path: Path, *words: str) -> str:
    """Run the task; return what its agent was told."""
    stage.box.agent("run", "1", *words, exit=None)
    return (tmp_path / "prompt").read_text()


def acknowledge(stage: Stage) -> None:
    """Acknowledge the worker's messages, as the worker does."""
    where = stage.box.worktree(1)
    stage.box.agent("ack", *(str(m["id"]) for m in stage.box.agent_json("inbox", cwd=where)["messages"]), cwd=where)


def test_the_first_run_is_told_the_task_and_nothing_else(told: Stage, tmp_path: Path) -> None:
    told.box.agent("send", "1", "Hello")
    assert run(told, tmp_path) == FIRST


def test_after_a_review_it_is_told_what_to_change(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("request-changes", "1", "-m", "Sort by AUTHOR\nplease")
    prompt = run(told, tmp_path)
    assert prompt.startswith(f"{FIRST}\n\nWhat happened since the last run")
    assert "from @human:\n| Sort by AUTHOR\n| please" in prompt and prompt.count("AUTHOR") == 1


@pytest.mark.rest
def test_what_an_earlier_review_asked_for_is_told_no_more_once_it_was_handed_in(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("request-changes", "1", "-m", "Sort by AUTHOR")
    run(told, tmp_path)
    told.box.agent("request-changes", "1", "-m", "Add a TEST")
    prompt = run(told, tmp_path)
    assert "TEST" in prompt and "AUTHOR" not in prompt


@pytest.mark.rest
def test_what_was_not_done_yet_is_told_again_although_it_was_acknowledged(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("request-changes", "1", "-m", "Sort by AUTHOR")
    acknowledge(told)
    (tmp_path / "leave").touch()
    run(told, tmp_path)
    assert told.where() == ("WORKING", "uncommitted")
    prompt = run(told, tmp_path)
    assert "AUTHOR" in prompt and "files in this worktree that are not committed: 'left.txt'" in prompt
    assert "why the task was held (uncommitted)" in prompt


@pytest.mark.rest
def test_after_an_answer_it_is_told_question_and_answer(told: Stage, tmp_path: Path) -> None:
    (tmp_path / "ask").write_text("Which port?")
    run(told, tmp_path)
    told.box.agent("answer", "1", "Port 8421")
    prompt = run(told, tmp_path)
    assert "| Which port?" in prompt and "| Port 8421" in prompt
    assert prompt.index("Which port?") < prompt.index("8421")


@pytest.mark.rest
def test_after_a_check_it_is_told_its_last_lines(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("approve", "1")
    told.box.git("config", "agent.check", "test ! -e work || { echo test_seven is red; exit 1; }")
    told.box.agent("merge", "1", exit=3)
    assert "| test_seven is red" in run(told, tmp_path)


def test_after_a_conflict_it_is_told_the_files(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("approve", "1")
    told.box.commit(None, "work", "theirs\n")
    told.box.agent("merge", "1", exit=4)
    prompt = run(told, tmp_path)
    assert "conflict" in prompt and "work" in prompt


def test_the_next_attempt_is_told_how_the_last_one_ended_and_what_it_left(told: Stage, tmp_path: Path) -> None:
    (tmp_path / "fail").touch(), (tmp_path / "leave").touch()
    run(told, tmp_path)
    told.box.agent("retry", "1")
    prompt = run(told, tmp_path)
    assert "how the attempt before ended (failed):\n| exited with 3: broken" in prompt
    assert f"attempt 1 left files that are not committed in {told.box.worktree(1)}: 'left.txt'" in prompt


def test_unread_mail_is_told_and_stays_unread(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("start", "1")
    told.box.agent("send", "1", "Task 2 has landed")
    assert "| Task 2 has landed" in run(told, tmp_path)
    assert told.box.tasks()[1]["unread"] == 1


@pytest.mark.rest
def test_news_alone_and_in_a_typed_command_line(told: Stage, tmp_path: Path) -> None:
    told.box.git("config", "agent.run.y", "printf <%s> {news}")
    assert told.box.agent("run", "1", "--agent", "y", exit=1).out == "<>"
    run(told, tmp_path)
    told.box.agent("request-changes", "1", "-m", "-- $(touch pwned) {title}")
    news = told.box.agent("run", "1", "--agent", "y", exit=1).out
    assert news.startswith("<What happened since") and "| -- $(touch pwned) {title}" in news
    typed = told.box.agent("run", "1", "--", "printf", "<%s>", "{news}", "{prompt}", "{title}", "-{news}", exit=1).out
    assert typed.startswith("<What happened since") and f"><{FIRST}\n\nWhat" in typed
    assert typed.endswith("<{title}><-{news}>")  # other words are the command's own


def test_a_file_and_standard_input_have_it_too(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("request-changes", "1", "-m", "Sort by AUTHOR")
    for command in ("cat {file}", "cat {stdin}"):
        told.box.git("config", "agent.run.y", command)
        assert "| Sort by AUTHOR" in told.box.agent("run", "1", "--agent", "y", exit=1).out


@pytest.mark.rest
def test_long_messages_leave_room_for_the_command(told: Stage, tmp_path: Path) -> None:
    run(told, tmp_path)
    told.box.agent("start", "1")
    for _ in range(20):
        told.box.agent("send", "1", "-F", "-", stdin="ü" * 20_000)
    prompt = run(told, tmp_path)
    assert len(prompt.encode()) < 60_000 and prompt.endswith("(cut; git agent log 1 shows all of it)")


MARKERS = {
    **dict.fromkeys(("CLAUDECODE", "CLAUDE_CODE_SESSION_ID", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT"), "1"),
    **dict.fromkeys(("CLAUDE_CODE_CHILD_SESSION", "CODEX_THREAD_ID", "GEMINI_CLI", "MINE", "MINE_TOO"), "1"),
}
KEPT = {"ANTHROPIC_API_KEY": "k", "CLAUDE_CODE_OAUTH_TOKEN": "t", "CLAUDE_CODE_USE_BEDROCK": "1", "CODEX_HOME": "/h"}


@pytest.mark.parametrize("start", [["run", "1"], ["exec", "1"], ["run", "1", "--detach"], ["spawn", "B"]])
def test_markers_of_another_session_are_taken_out_and_keys_are_not(
    stage: Stage, tmp_path: Path, start: list[str]
) -> None:
    stage.spawn()
    stage.box.git("config", "agent.unsetEnv", "MINE")
    stage.box.git("config", "--add", "agent.unsetEnv", "MINE_TOO")
    env = tmp_path / "env"
    script = f"env >{env}.new && mv {env}.new {env}"
    stage.box.agent(*start, "--", "sh", "-c", script, env={**MARKERS, **KEPT}, exit=None)
    eventually(env.exists, lambda: "env")
    found = dict(line.partition("=")[::2] for line in env.read_text().splitlines())
    assert {name for name in MARKERS if name in found} == set()
    assert {name: found.get(name) for name in KEPT} == KEPT
