"""An edit of a live task reaches its worker: as a message, and in the context file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def live(repo: Sandbox) -> Sandbox:
    """Return a repository with one task that is being worked on."""
    repo.agent("spawn", "Serve the page")
    repo.agent("start", "1")
    return repo


def told(repo: Sandbox) -> list[str]:
    return [each["body"] for each in repo.agent_json("inbox", "--as", "1", "--peek")["messages"]]


def context(repo: Sandbox) -> Any:
    return json.loads((repo.worktree(1) / ".worker-ctx.json").read_text())


def test_a_new_title_reaches_the_worker_and_its_context_file(live: Sandbox) -> None:
    live.agent("edit", "1", "--title", "Serve it on port 8421")
    assert context(live)["description"] == "Serve it on port 8421"
    [said] = told(live)
    assert "Serve it on port 8421" in said and "git agent show 1" in said
    assert live.git("status", "--short", cwd=live.worktree(1)) == ""


@pytest.mark.parametrize(
    ("words", "what"),
    [(("--check", "make test"), "check"), (("--path", "src/"), "paths"), (("-F", "-"), "body")],
)
def test_whatever_concerns_the_work_is_said(live: Sandbox, words: tuple[str, ...], what: str) -> None:
    live.agent("edit", "1", *words, stdin="Use port 8421\n")
    [said] = told(live)
    assert f"the {what} of task 1" in said


def test_a_task_in_review_is_live_too(live: Sandbox) -> None:
    live.commit(live.worktree(1), "page.txt", "page\n")
    live.agent("done", "1")
    live.agent("edit", "1", "--title", "Other words")
    assert len(told(live)) == 1 and context(live)["description"] == "Other words"


def test_nobody_hears_of_what_only_the_queue_needs(live: Sandbox) -> None:
    live.agent("add", "Parent")
    live.agent("edit", "1", "--priority", "0", "--after", "2")
    live.agent("edit", "2", "--title", "Other words")
    assert told(live) == []
    assert live.agent_json("inbox", "--as", "2", "--peek")["messages"] == []


def test_a_worker_hears_nothing_of_its_own_edit(live: Sandbox) -> None:
    live.agent("edit", "1", "--title", "Other words", cwd=live.worktree(1))
    assert told(live) == [] and context(live)["description"] == "Other words"


def test_a_base_that_replaces_a_lost_one_stands_in_the_context_file(live: Sandbox) -> None:
    live.git("branch", "other")
    live.git("switch", "--quiet", "other")
    live.git("branch", "--delete", "--force", "main")
    live.agent("edit", "1", "--base", "other")
    assert context(live)["base"] == "other"


def test_the_new_name_of_a_base_stands_in_the_context_file(live: Sandbox) -> None:
    live.git("branch", "--move", "main", "trunk")
    live.agent("list")
    assert context(live)["base"] == "trunk"


def test_the_base_of_a_merged_parent_stands_in_the_context_file(live: Sandbox) -> None:
    live.commit(live.worktree(1), "page.txt", "page\n", "Serve")
    live.agent("spawn", "More", "--base", live.tasks()[1]["branch"])
    live.agent("done", "1")
    live.agent("approve", "1")
    live.agent("merge", "1")
    live.agent("list")
    assert json.loads((live.worktree(2) / ".worker-ctx.json").read_text())["base"] == "main"


def test_a_context_file_that_was_left_behind_is_found_and_fixed(live: Sandbox) -> None:
    file = live.worktree(1) / ".worker-ctx.json"
    old = file.read_bytes()
    live.agent("edit", "1", "--title", "Other words")
    file.write_bytes(old)
    found = live.agent_json("doctor", exit=1)["findings"]
    assert [each["code"] for each in found] == ["context-wrong"]
    live.agent("doctor", "--fix")
    assert context(live)["description"] == "Other words"


def test_nothing_is_written_where_the_worktree_is_gone(live: Sandbox, tmp_path: Path) -> None:
    where = live.worktree(1)
    shutil.rmtree(where)
    live.agent("edit", "1", "--title", "Other words")
    assert not where.exists() and len(told(live)) == 1


def test_what_can_not_be_written_is_said_and_the_edit_holds(live: Sandbox) -> None:
    file = live.worktree(1) / ".worker-ctx.json"
    file.unlink()
    file.symlink_to("elsewhere")
    assert "git agent doctor --fix" in live.agent("edit", "1", "--title", "Other words").err
    assert live.tasks()[1]["title"] == "Other words"
