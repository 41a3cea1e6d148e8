"""What a committed .gitagent may say before anybody trusts it: nothing that writes or reads where it likes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_agent.config import KEYS
from tests.sandbox import Sandbox

PERSONS = {
    *("agent.check", "agent.setup", "agent.notify", "agent.run", "agent.copy", "agent.link", "agent.pullBase"),
    "agent.unsetEnv",
}
BAD = {
    "maxAttempts": ["0", "-1", "9" * 5000, "²", "many"],
    "checkJobs": ["0", "1.5"],
    "maxMessage": ["0"],
    "beat": ["0", "soon", "999999999w"],
    "lease": ["0s", "999999999w"],
    "stalled": ["-5m"],
    "checkTimeout": ["1y"],
    "branchPrefix": ["refs/", "main/", "a b/", "-", "x" * 300],
    "mergeStrategy": ["octopus"],
    "pathClaims": ["maybe"],
    "guard": ["perhaps"],
}


def team(repo: Sandbox, text: str) -> None:
    repo.commit(None, ".gitagent", f"[agent]\n\t{text}\n", "Configure the team")


def everything(root: Path) -> set[str]:
    """List what is under a directory, git's own files left out."""
    return {str(path.relative_to(root)) for path in root.rglob("*") if ".git" not in path.parts}


def test_a_key_counts_without_trust_only_if_it_is_marked_harmless() -> None:
    assert {key.name for key in KEYS if key.team == "trust"} == PERSONS
    assert {key.name for key in KEYS if key.team == "never"} == {"agent.workersReview"}
    assert {key.name for key in KEYS if key.team == "harmless"} == {
        *("agent.base", "agent.branchPrefix", "agent.worktreeDir", "agent.mergeStrategy", "agent.checkTimeout"),
        *("agent.checkJobs", "agent.defaultAgent", "agent.beat", "agent.lease", "agent.stalled", "agent.maxMessage"),
        *("agent.messageRate", "agent.maxAttempts", "agent.guard", "agent.pathClaims"),
    }


@pytest.mark.parametrize(
    "place", ["~/.vim/pack/x/start", "{root}/else/where", "../../x", "../a/b", "..", ".", "through/x", ".git/hooks"]
)
def test_the_file_of_a_team_puts_no_worktree_elsewhere(repo: Sandbox, home: Path, place: str) -> None:
    (repo.path / "through").symlink_to(repo.path.parent / "outside")
    repo.git("add", "through")
    team(repo, f"worktreeDir = {place.format(root=repo.path.parent)}")
    repo.agent("add", "Queued")
    before = everything(repo.path.parent), everything(home)
    for verb in (["spawn", "Fix login"], ["spawn", "1"], ["claim", "1"], ["run", "1", "--", "true"]):
        refused = repo.agent(*verb, exit=3).err
        assert "agent.worktreeDir is " in refused and "hint: edit .gitagent and commit it, or git config" in refused
    assert (everything(repo.path.parent), everything(home)) == before and len(repo.tasks()) == 1
    assert "agent.worktreeDir is " in repo.agent("doctor", exit=1).out
    repo.git("config", "agent.worktreeDir", str(repo.path.parent / "mine"))
    repo.agent("spawn", "1")
    assert (repo.path.parent / "mine/1-queued/README.md").is_file()


@pytest.mark.parametrize("place", ["../wt", "../.wt", ".worktrees", "in/side"])
def test_the_file_of_a_team_may_choose_a_directory_inside_or_beside(repo: Sandbox, place: str) -> None:
    team(repo, f"worktreeDir = {place}")
    repo.agent("spawn", "Fix login")
    assert (repo.path / place / "1-fix-login/README.md").is_file()
    repo.agent("doctor")


@pytest.mark.parametrize("line", ["copy = *", "copy = .env", "link = .env"])
def test_no_file_of_the_person_is_placed_before_the_file_is_trusted(repo: Sandbox, line: str) -> None:
    team(repo, line)
    repo.write(".env", "SECRET=1\n")
    repo.agent("spawn", "First")
    assert not os.path.lexists(repo.worktree(1) / ".env")
    assert "is not trusted: git agent trust" in repo.agent("config").err
    assert f"agent.{line}" in repo.agent("trust").out
    repo.agent("spawn", "Second")
    assert (repo.worktree(2) / ".env").read_text() == "SECRET=1\n"


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in BAD.items() for value in values])
def test_a_bad_value_is_an_error_that_names_the_file(repo: Sandbox, key: str, value: str) -> None:
    repo.agent("init")
    repo.agent("spawn", "There before")
    team(repo, f'{key} = "{value}"')
    found = [f for f in repo.agent_json("doctor", exit=1)["findings"] if f["code"] != "not-examined"]
    assert [f["code"] for f in found] == ["config-invalid"] and f"agent.{key}" in found[0]["what"] + found[0]["fix"]
    assert "(in .gitagent)" in found[0]["what"] and "edit .gitagent and commit it, or git config" in found[0]["fix"]
    assert len(found[0]["what"]) < 400
    for verb in (
        ["list"],
        ["status"],
        ["show", "1"],
        ["ready"],
        ["spawn", "Fix login"],
        ["claim"],
        ["send", "1", "Hi"],
    ):
        said = repo.agent(*verb, exit=None)
        assert "Traceback" not in said.err and (said.code in (0, 6) or "(in .gitagent)" in said.err), said
    repo.git("config", f"agent.{key}", next(each.default for each in KEYS if each.name == f"agent.{key}"))
    repo.agent("doctor")


def test_a_value_of_the_person_is_not_blamed_on_the_team(repo: Sandbox) -> None:
    team(repo, "maxAttempts = 3")
    repo.agent("init")
    repo.git("config", "agent.maxAttempts", "0")
    said = repo.agent("ready", exit=2).err
    assert "agent.maxAttempts is less than 1: 0\n" in said and "hint: git config agent.maxAttempts 5" in said
