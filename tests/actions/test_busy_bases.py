"""The hint of a refusal because of something in the way is a command that removes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox import Sandbox


@pytest.fixture
def approved(repo: Sandbox) -> Sandbox:
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    for verb in ("done", "approve"):
        repo.agent(verb, "1")
    return repo


def follow(repo: Sandbox, *args: str) -> None:
    """Run a command that is refused, type its hint, and run the command again."""
    hint = repo.agent_json(*args, exit=3)["error"]["hint"]
    done = repo.run("sh", "-c", hint, env={"GIT_EDITOR": "true"})
    assert done.code == 0, done
    repo.agent(*args)


def stop_in_rebase(repo: Sandbox) -> None:
    repo.git("-c", "sequence.editor=sed -i.old s/pick/edit/", "rebase", "--quiet", "--interactive", "HEAD~1")


def stop_in_merge(repo: Sandbox) -> None:
    repo.git("switch", "--quiet", "--create", "side", "HEAD~1")
    repo.commit(None, "side.txt", "side\n")
    repo.git("switch", "--quiet", "main")
    repo.git("merge", "--quiet", "--no-commit", "side")


def stop_in_bisect(repo: Sandbox) -> None:
    repo.git("bisect", "start")
    repo.git("bisect", "bad", "HEAD")
    repo.git("bisect", "good", "HEAD~2")


@pytest.mark.parametrize("stop", [stop_in_rebase, stop_in_merge, stop_in_bisect])
def test_an_operation_on_the_base_is_finished_by_the_hint(approved: Sandbox, stop: Callable[[Sandbox], None]) -> None:
    stop(approved)
    follow(approved, "merge", "1")
    assert approved.tasks()[1]["state"] == "COMPLETED"


def test_a_base_that_is_checked_out_twice_is_detached_in_the_second_place(approved: Sandbox) -> None:
    approved.git("worktree", "add", "--quiet", "--force", approved.path.parent / "again", "main")
    follow(approved, "merge", "1")
    assert approved.git("rev-parse", "--abbrev-ref", "HEAD") == "main"


def test_a_branch_to_adopt_is_freed_where_it_is_checked_out(repo: Sandbox) -> None:
    repo.git("worktree", "add", "--quiet", "-b", "topic", repo.path.parent / "topic")
    follow(repo, "spawn", "Work", "--branch", "topic")


def test_a_directory_in_the_place_of_the_worktree_is_moved_away(repo: Sandbox) -> None:
    repo.write("../my repo.worktrees/1-work/notes.txt", "mine\n")
    follow(repo, "spawn", "Work")
    assert (repo.path.parent / "my repo.worktrees/1-work.aside/notes.txt").read_text() == "mine\n"


def test_a_hook_that_empties_the_message_is_named(approved: Sandbox) -> None:
    hook = approved.write(".git/hooks/commit-msg", '#!/bin/sh\n: >"$1"\n')
    hook.chmod(0o755)
    error = approved.agent_json("merge", "1", exit=3)["error"]
    assert "empty after the hooks prepare-commit-msg and commit-msg" in error["message"]
    assert error["hint"].startswith("git rev-parse --git-path hooks")
