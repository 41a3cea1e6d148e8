"""git/trailers, git/config, git/excludes, git/ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_agent.errors import AgentError
from git_agent.git import config
from git_agent.git.merging import trailers
from git_agent.git.place import Checkout
from git_agent.git.repo import Repo
from git_agent.git.worktrees import ignored
from tests.sandbox import Sandbox


def opened(sandbox: Sandbox) -> Repo:
    return Repo.open(str(sandbox.path))


def test_trailers_are_added_once_and_stay_one_line(repo: Sandbox) -> None:
    found = opened(repo)
    repo.git("config", "trailer.separators", "#")
    once = trailers.add_trailers(found, "Title\n\nBody\n", [("Agent-Task", "7"), ("Reviewed-by", "A=B:\n  C\n")])
    assert once == "Title\n\nBody\n\nAgent-Task: 7\nReviewed-by: A=B: C\n"
    assert trailers.add_trailers(found, once, [("Agent-Task", "7")]) == once
    assert trailers.add_trailers(found, once, [("Agent-Task", "8")]).endswith(
        "Agent-Task: 7\nReviewed-by: A=B: C\nAgent-Task: 8\n"
    )
    assert trailers.add_trailers(found, "Title", []) == "Title"


def test_a_message_with_dashes_is_one_message(repo: Sandbox) -> None:
    text = trailers.add_trailers(opened(repo), "Title\n\nBefore\n---\nAfter\n", [("Agent-Task", "7")])
    assert text == "Title\n\nBefore\n---\nAfter\n\nAgent-Task: 7\n"


def test_configuration_is_read_in_order_with_its_scope(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.git("config", "--add", "agent.copy", "a\nb")
    repo.git("config", "--add", "agent.copy", "")
    repo.git("config", "agentx.copy", "no")
    with (repo.path / ".git" / "config").open("a") as file:
        file.write('[agent "Sub.x"]\n\tflag\n')
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "agent.ttl")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "5")
    wanted = [
        config.Value("agent.copy", "a\nb", "local"),
        config.Value("agent.copy", "", "local"),
        config.Value("agent.Sub.x.flag", "true", "local"),
        config.Value("agent.ttl", "5", "command"),
    ]
    assert config.read_config(opened(repo), None) == wanted
    assert config.read_config(opened(repo), str(repo.path)) == wanted


def test_no_configuration_is_an_empty_list(repo: Sandbox) -> None:
    assert config.read_config(opened(repo), None) == []
    assert config.read_config_blob(opened(repo), "main-worktree/HEAD:.gitagent") == []


def test_a_committed_file_is_read_from_anywhere(repo: Sandbox, tmp_path: Path) -> None:
    repo.commit(None, ".gitagent", "[agent]\n\tcheck = make test\n[other]\n\ta = b\n[include]\n\tpath = /etc/passwd\n")
    repo.git("clone", "--quiet", "--bare", ".", tmp_path / "p.git")
    repo.git("worktree", "add", "--quiet", tmp_path / "w", "HEAD~1", "-b", "old")
    wanted = [config.Value("agent.check", "make test", "committed")]
    for place in (repo.path, tmp_path / "p.git", tmp_path / "w"):
        found = Repo.open(str(place))
        assert config.read_config_blob(found, "main-worktree/HEAD:.gitagent") == wanted
        assert config.blob_oid(found, "main-worktree/HEAD:.gitagent") == repo.git("rev-parse", "HEAD:.gitagent")
        assert config.blob_oid(found, "main-worktree/HEAD:src") is None


def test_a_committed_file_that_is_broken_is_an_error(repo: Sandbox) -> None:
    repo.commit(None, ".gitagent", "[agent\n")
    with pytest.raises(AgentError) as caught:
        config.read_config_blob(opened(repo), "main-worktree/HEAD:.gitagent")
    assert caught.value.code == "bad-config"
    assert ".gitagent" in caught.value.message


@pytest.mark.parametrize("held", [None, b"", b"*.tmp", b"# \xff\n*.tmp\r\n"])
def test_an_exclusion_is_added_once(repo: Sandbox, held: bytes | None) -> None:
    path = repo.path / ".git" / "info" / "exclude"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    if held is None:
        path.parent.rmdir()
    else:
        path.write_bytes(held)
    ignored.exclude(opened(repo), "/.worktrees/")
    ignored.exclude(opened(repo), "/.worktrees/")
    before = held or b""
    newline = b"" if not before or before.endswith(b"\n") else b"\n"
    assert path.read_bytes() == before + newline + b"/.worktrees/\n"
    assert [each.name for each in path.parent.iterdir()] == ["exclude"]


def test_only_ignored_files_that_match_are_found(repo: Sandbox) -> None:
    repo.write(".env", "x")
    repo.write("sub/.env", "x")
    repo.write("a.log", "x")
    repo.write("plain", "x")
    repo.write("-x.log", "x")
    repo.write(".worktreeinclude", "*.log\n!a.log\n")
    find, here = ignored.matching, Checkout(str(repo.path))
    assert find(here, [".env", "plain", "README.md"], []) == [".env", "sub/.env"]
    assert find(here, [], [str(repo.path / ".worktreeinclude")]) == ["-x.log"]
    assert find(here, ["/.env"], ["/nowhere"]) == [".env"]
    assert find(here, [], []) == []
