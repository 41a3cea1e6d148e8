"""`deinit -n` names what is there, and a bad value in the configuration keeps doctor from examining nothing else."""

from __future__ import annotations

import pytest

from tests.sandbox import Sandbox


@pytest.fixture(autouse=True)
def with_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_AGENT_HOOKS")


def test_where_nothing_was_installed_nothing_would_be_removed(repo: Sandbox) -> None:
    assert repo.agent("deinit", "-n").out == "nothing to remove\n"


def test_hooks_are_named_while_they_are_there(repo: Sandbox) -> None:
    repo.agent("init")
    assert repo.agent("deinit", "-n").out == "would remove: hooks\n" and repo.agent_json("deinit", "-n")["hooks"]
    repo.agent("deinit")
    assert repo.agent("deinit", "-n").out == "nothing to remove\n"


def test_a_store_without_hooks_would_go_alone(repo: Sandbox) -> None:
    repo.agent("init", "--no-hooks")
    assert repo.agent("deinit", "-n").out == "nothing to remove\n"
    assert repo.agent("deinit", "-n", "--purge").out == "would remove: store\n"


def test_hooks_that_only_workers_have_are_named_too(repo: Sandbox) -> None:
    repo.write(".githooks/pre-push", "#!/bin/sh\n")
    repo.git("add", ".githooks")
    repo.git("commit", "--quiet", "-m", "Add hooks")
    repo.git("config", "core.hooksPath", ".githooks")
    repo.agent("init")
    assert repo.agent("deinit", "-n").out == "would remove: hooks\n"


@pytest.mark.parametrize("prefix", ["refs/", "a b/", "-", ""])
def test_doctor_examines_git_in_spite_of_a_bad_prefix(repo: Sandbox, prefix: str) -> None:
    repo.agent("spawn", "Work")
    repo.git("branch", "next")
    repo.agent("spawn", "More", "--base", "next")
    repo.git("branch", "-D", "next")
    repo.git("config", "agent.branchPrefix", prefix)
    codes = {each["code"] for each in repo.agent_json("doctor", exit=1)["findings"]}
    assert codes == {"config-invalid", "base-gone"}
