"""`spawn` says which base a task got and how far that is behind; tasks go into local branches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.whole import wrong
from tests.sandbox import Sandbox


@pytest.fixture
def shared(repo: Sandbox) -> Sandbox:
    """The repository has the remotes `origin` and `team/up`, where `main` and `feature` have one more commit."""
    there = repo.path.parent / "origin.git"
    repo.git("clone", "--quiet", "--bare", repo.path, there)
    repo.git("branch", "side")
    repo.git("switch", "--quiet", "--create", "feature")
    repo.commit(None, "new.txt", "new\n", "Add new")
    for name in ("origin", "team/up"):
        repo.git("remote", "add", name, there)
    repo.git("push", "--quiet", "origin", "feature", "feature:main")
    repo.git("switch", "--quiet", "main")
    repo.git("branch", "-D", "feature")
    repo.git("fetch", "--quiet", "--all")
    return repo


def error(repo: Sandbox, *args: str) -> tuple[str, str]:
    found = repo.agent_json(*args, exit=1)["error"]
    return found["message"], found["hint"]


@pytest.mark.parametrize("base", ["origin/main", "team/up/main", "remotes/origin/main", "refs/remotes/team/up/main"])
def test_the_hint_for_a_remote_branch_names_the_local_one(shared: Sandbox, base: str) -> None:
    message = f"'{base}' is a remote-tracking branch"
    assert error(shared, "spawn", "One", "--base", base) == (message, "tasks go into local branches: --base main")
    shared.agent("add", "Two")
    assert error(shared, "edit", "1", "--base", base) == (message, "tasks go into local branches: --base main")


def test_or_how_to_make_one_that_is_missing(shared: Sandbox) -> None:
    hint = "tasks go into local branches: git branch feature origin/feature, then --base feature"
    assert error(shared, "add", "One", "--base", "origin/feature")[1] == hint
    shared.git("branch", "feature", "origin/feature")
    shared.agent("add", "One", "--base", "feature")


def test_the_same_holds_for_the_configured_base(shared: Sandbox) -> None:
    shared.git("config", "agent.base", "origin/main")
    assert error(shared, "spawn", "One")[1] == "tasks go into local branches: git config agent.base main"


def test_and_for_a_branch_to_adopt(shared: Sandbox) -> None:
    hint = error(shared, "spawn", "One", "--branch", "origin/feature")[1]
    assert hint == "a task needs a local branch: git branch feature origin/feature, then --branch feature"
    assert shared.tasks() == {}


def test_a_tag_is_no_base(shared: Sandbox) -> None:
    shared.git("tag", "v1")
    hint = "tasks go into local branches: git branch NAME v1, then --base NAME"
    assert error(shared, "spawn", "One", "--base", "v1") == ("'v1' is a commit, but no branch", hint)


def test_spawn_says_the_base_and_how_far_it_is_behind(shared: Sandbox) -> None:
    said = shared.agent("spawn", "One").err
    assert "task 1 one: branch agent/1-one, base main, attempt 1" in said
    command = f"git -C '{shared.path}' merge --ff-only origin/main"
    assert f"the base 'main' is 1 commit behind origin/main: {command}" in said
    shared.run("sh", "-c", command)
    assert "behind" not in shared.agent("spawn", "Two").err


def test_also_of_a_base_that_is_not_checked_out_and_of_a_claim(shared: Sandbox) -> None:
    shared.git("branch", "--quiet", "--set-upstream-to", "origin/feature", "side")
    shared.agent("add", "One", "--base", "side")
    said = shared.agent("claim").err
    assert "base side, attempt 1" in said and "the base 'side' is 1 commit behind origin/feature: git fetch ." in said
    shared.run("sh", "-c", said.partition("origin/feature: ")[2].splitlines()[0])
    assert shared.git("rev-parse", "side") == shared.git("rev-parse", "origin/feature")


def test_a_base_that_diverged_is_shown_as_such(shared: Sandbox) -> None:
    shared.commit(None, "own.txt", "own\n")
    assert "1 commit behind origin/main (and 1 ahead): git log main...origin/main" in shared.agent("spawn", "One").err


def advance(repo: Sandbox, tmp_path: Path) -> str:
    """Let somebody else push to the remote's main; return that commit."""
    other = Sandbox(tmp_path / "other")
    repo.git("clone", "--quiet", "--branch", "main", repo.path.parent / "origin.git", other.path)
    made = other.commit(None, "theirs.txt", "theirs\n")
    other.git("push", "--quiet", "origin", "main")
    return made


def test_with_pull_base_a_task_starts_from_what_the_remote_has_now(shared: Sandbox, tmp_path: Path) -> None:
    made = advance(shared, tmp_path)
    shared.git("config", "agent.pullBase", "true")
    said = shared.agent("spawn", "One").err
    assert f"'main' was brought up to date: {shared.git('rev-parse', 'main~2')[:12]}..{made[:12]}" in said
    assert {shared.git("rev-parse", rev) for rev in ("main", "agent/1-one", "origin/main")} == {made}
    assert (shared.path / "theirs.txt").exists() and shared.git("status", "--porcelain") == "" and wrong(shared) == []


def test_a_remote_that_does_not_answer_stops_nothing(shared: Sandbox) -> None:
    shared.git("config", "agent.pullBase", "true")
    (shared.path.parent / "origin.git").rename(shared.path.parent / "gone.git")
    said = shared.agent("spawn", "One").err
    assert "'main' stays as it is, since it can't be brought up to date" in said
    assert shared.tasks()[1]["state"] == "ASSIGNED"


def test_neither_do_changes_in_the_checkout_nor_a_base_that_diverged(shared: Sandbox) -> None:
    shared.git("config", "agent.pullBase", "true")
    shared.write("new.txt", "mine\n")
    assert "uncommitted changes" in shared.agent("spawn", "One").err
    assert (shared.path / "new.txt").read_text() == "mine\n"
    shared.git("switch", "--quiet", "side")
    shared.git("branch", "--quiet", "--set-upstream-to", "origin/main", "side")
    shared.commit(None, "own.txt", "own\n")
    before = shared.git("rev-parse", "side")
    assert "have diverged" in shared.agent("spawn", "Two").err and shared.git("rev-parse", "side") == before


def test_a_next_attempt_pulls_nothing_because_it_starts_from_the_last_one(shared: Sandbox) -> None:
    shared.agent("spawn", "One")
    shared.git("config", "agent.pullBase", "true")
    before = shared.git("rev-parse", "main")
    shared.agent("reassign", "1")
    assert shared.git("rev-parse", "main") == before
    shared.agent("reassign", "1", "--fresh")
    assert shared.git("rev-parse", "main") == shared.git("rev-parse", "origin/main")


def test_a_file_of_the_team_makes_nobody_fetch_before_it_is_trusted(shared: Sandbox, tmp_path: Path) -> None:
    shared.commit(None, ".gitagent", "[agent]\n\tpullBase = true\n")
    advance(shared, tmp_path)
    before = shared.git("rev-parse", "origin/main")
    shared.agent("spawn", "One")
    assert shared.git("rev-parse", "origin/main") == before
