"""An agent's command: split into words, expanded word by word, and never run by a shell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.domain import command
from git_agent.domain.command import Command
from git_agent.errors import AgentError
from tests.domain.sample import task

PLACED = task(title="Fix {body}", body="in {title}", branch="agent/7-fix", worktree="/w/7-fix", base="main")


def test_the_words_are_split_as_a_shell_splits_them() -> None:
    assert command.parse_command("me", """claude -p "two words" 'a\\b' c\\ d""").words == (
        *("claude", "-p", "two words"),
        *("a\\b", "c d"),
    )


@pytest.mark.parametrize("bad", ["", " ", "'open", '"', "{stdin}"])
def test_what_is_no_command_is_refused_with_its_key(bad: str) -> None:
    with pytest.raises(AgentError) as caught:
        command.parse_command("me", bad)
    assert (caught.value.code, "agent.run.me" in caught.value.message) == ("bad-command", True)


def test_each_placeholder_is_filled_once_and_others_stay() -> None:
    made = command.parse_command(
        "me", "x {title}{body} {task}:{branch} {worktree} {base} {file} a{other} ${prom} {} {stdin}"
    )
    assert made.expand(PLACED, "/f") == (
        *("x", "Fix {body}in {title}", "7:agent/7-fix", "/w/7-fix", "main", "/f", "a{other}", "${prom}", "{}"),
    )
    assert made.reads_file and made.needs_file


@pytest.mark.parametrize("bad", ["{promt}", "--say={Prompt}", "x{titel}", "{other}"])
def test_what_is_like_a_placeholder_and_none_is_refused_with_those_there_are(bad: str) -> None:
    with pytest.raises(AgentError) as caught:
        command.parse_command("me", f"claude {bad}")
    assert caught.value.code == "bad-placeholder" and "{" in caught.value.message and "{stdin}" in caught.value.hint


def test_a_typed_command_is_taken_as_it_is() -> None:
    typed = Command(("x", "{title}", "{stdin}"))
    assert typed.expand(PLACED, "/f") == typed.words
    assert not (typed.reads_file or typed.needs_file)


def test_a_prompt_is_number_title_and_body() -> None:
    assert command.prompt(task(title="A", body="")) == "Task 7: A"
    assert command.prompt(task(title="A", body="B\nC")) == "Task 7: A\n\nB\nC"


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("{prompt}", "Task 7: --yolo\n\n-x"),
        ("{title}", "Task 7: --yolo"),
        ("{body}", "Task 7: -x"),
        ("{body}{title}", "Task 7: -x--yolo"),
        ("{branch}", "Task 7: -b"),
        ("--message={title}", "--message=--yolo"),
        ("-m{body}", "-m-x"),
        ("say {title}", "say --yolo"),
    ],
)
def test_no_text_of_a_task_becomes_an_option(word: str, filled: str) -> None:
    made = Command(("claude", word), "me").expand(task(title="--yolo", body="-x", branch="-b"), "/f")
    assert made == ("claude", filled)


@given(st.text(), st.text())
def test_whatever_a_task_says_is_one_word_and_no_option(title: str, body: str) -> None:
    made = command.parse_command("me", "x {title} {body} {prompt}").expand(task(title=title, body=body), "/f")
    assert len(made) == 4 and not any(word.startswith("-") for word in made)
    assert made[1].endswith(title) and made[2].endswith(body)


def test_a_long_word_is_shown_cut() -> None:
    assert command.quote_command(["x", "a b", "y" * 100]) == "x 'a b' '" + "y" * 79 + "…'"
    assert len(command.quote_command(["x" * 70] * 90)) == 400


@pytest.mark.parametrize(
    "text",
    [
        'sh -c "claude {title}"',
        "bash -lc 'claude -p \"{prompt}\"'",
        "/bin/bash -o pipefail -c 'claude {body} | tee log'",
        "sh -c -e 'claude {title}'",
        "env FOO=1 dash -xc 'claude {branch}'",
        "timeout 60 zsh -c 'cd {worktree} && claude'",
        "docker exec box sh -c 'claude {prompt}'",
        "python3 -c 'print(\"{title}\")'",
        "python3 '-cprint(\"{title}\")'",
        "perl -pe 's/x/{title}/'",
        "node --eval 'f({body})'",
        "ssh host claude -p {prompt}",
        "script -qc 'claude {prompt}' log",
        "su agent -c 'claude {base}'",
    ],
)
def test_a_placeholder_in_a_script_is_refused_because_the_title_would_be_code(text: str) -> None:
    with pytest.raises(AgentError) as refused:
        command.parse_command("claude", text)
    assert refused.value.code == "placeholder-in-script" and refused.value.exit == 2
    assert "pass it as an argument" in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "sh -c 'claude -p \"$1\"' sh {prompt}",
        "sh -c 'claude -p <{file}; echo {task}'",
        "sh -c './fix.sh && git commit -qam done' {stdin}",
        "python3 fix.py -c {title}",
        "bash ./agent.sh {title} {body}",
        "codex -c model=x exec {prompt}",
        "ssh host claude {stdin}",
    ],
)
def test_as_an_argument_or_on_standard_input_it_is_accepted(text: str) -> None:
    assert command.parse_command("claude", text).words
