"""`add` and `spawn` without a title open the person's editor on a terminal, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.sandbox import Sandbox

TEXT = "Fix the login\\n\\nIt fails for names\\n# with a dash\\n"


@pytest.fixture
def editor(repo: Sandbox) -> str:
    """Return an editor that puts a text above what it is given."""
    adds = f"""printf '{TEXT}' | cat - "$1" >"$1.new" && mv "$1.new" "$1" """
    script = repo.write(repo.path.parent / "ed it", f"#!/bin/sh\n{adds}\n")
    script.chmod(0o755)
    return f"'{script}'"


def typed(repo: Sandbox, *args: str, **env: str) -> str:
    return Terminal(repo.path).type("git", "agent", *args, env=env)


@pytest.mark.parametrize("variable", ["GIT_EDITOR", "VISUAL", "EDITOR"])
def test_the_first_line_becomes_the_title_and_the_rest_the_body(repo: Sandbox, editor: str, variable: str) -> None:
    said = typed(repo, "add", **{"GIT_EDITOR": "", "VISUAL": "", "EDITOR": "", variable: editor})
    assert "task 1 fix-the-login is OPEN" in said
    task = repo.agent_json("show", "1")["task"]
    assert (task["title"], task["body"]) == ("Fix the login", "It fails for names\n# with a dash")


def test_git_s_own_setting_counts_and_spawn_asks_too(repo: Sandbox, editor: str) -> None:
    repo.git("config", "core.editor", editor)
    assert "branch agent/1-fix-the-login" in typed(repo, "spawn", GIT_EDITOR="")


def test_an_editor_that_writes_nothing_adds_nothing(repo: Sandbox) -> None:
    assert "error: bad title: it is empty" in typed(repo, "add", GIT_EDITOR="true") and repo.tasks() == {}


@pytest.mark.parametrize("broken", ["false", "/nowhere/editor", "'open"])
def test_an_editor_that_fails_is_one_line_and_a_hint(repo: Sandbox, broken: str) -> None:
    said = typed(repo, "add", GIT_EDITOR=broken)
    assert "error: the editor failed: " in said and "hint: git config core.editor COMMAND" in said
    assert "Traceback" not in said


def test_no_editor_opens_with_a_title_or_without_a_terminal(repo: Sandbox, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    spy = f"touch {opened}"
    typed(repo, "add", "One", GIT_EDITOR=spy)
    typed(repo, "add", "--title", "Two", GIT_EDITOR=spy)
    assert "bad title: it is empty" in repo.agent("add", env={"GIT_EDITOR": spy}, exit=2).err
    assert len(repo.tasks()) == 2 and not opened.exists()
