"""A committed .gitagent: plain values count at once, commands only once trusted, and not after a change."""

from __future__ import annotations

from pathlib import Path

from tests.sandbox import Sandbox


def team(repo: Sandbox, text: str) -> None:
    repo.commit(None, ".gitagent", text, "Configure the team")


def spawned(repo: Sandbox, title: str) -> Path:
    return Path(repo.agent_json("spawn", title)["task"]["worktree"])


def test_commands_run_only_once_they_are_trusted_and_not_after_a_change(repo: Sandbox) -> None:
    team(repo, "[agent]\n\tsetup = echo one > ran.log\n\tbranchPrefix = team/\n")
    first = spawned(repo, "First")
    assert not (first / "ran.log").exists()
    assert repo.git("branch", "--show-current", cwd=first) == "team/1-first"
    assert "echo one > ran.log" in repo.agent("trust").out
    assert (spawned(repo, "Second") / "ran.log").read_text() == "one\n"
    team(repo, "[agent]\n\tsetup = echo two > ran.log\n\tbranchPrefix = team/\n")
    assert not (spawned(repo, "Third") / "ran.log").exists()
    assert "agent.setup" in repo.agent("status", "--json").out


def test_a_file_that_is_not_committed_counts_for_nothing(repo: Sandbox) -> None:
    repo.write(".gitagent", "[agent]\n\tsetup = touch ran.log\n\tbranchPrefix = mine/\n")
    assert repo.agent("trust", exit=1).err.startswith("error: there is no committed .gitagent")
    where = spawned(repo, "First")
    assert not (where / "ran.log").exists()
    assert repo.git("branch", "--show-current", cwd=where) == "agent/1-first"


def test_a_worker_cannot_bring_commands_in_on_its_branch(repo: Sandbox) -> None:
    where = spawned(repo, "First")
    repo.commit(where, ".gitagent", "[agent]\n\tsetup = touch ran.log\n\tcheck = touch ran.log\n")
    assert not (spawned(repo, "Second") / "ran.log").exists()
    result = repo.agent("trust", cwd=where, exit=None)
    assert result.code != 0
    assert not (spawned(repo, "Third") / "ran.log").exists()


def test_a_worker_trusts_nothing_and_its_try_is_an_event(repo: Sandbox) -> None:
    where = spawned(repo, "First")
    team(repo, "[agent]\n\tsetup = touch ran.log\n")
    for at, env in ((where, {}), (where, {"GIT_DIR": str(repo.path / ".git")}), (repo.path, {"GIT_AGENT_TASK": "1"})):
        assert "'git agent trust' is not for workers" in repo.agent("trust", cwd=at, env=env, exit=3).err
    assert not (spawned(repo, "Second") / "ran.log").exists()
    assert repo.agent("log", "1").out.count("task.refused") == 3


def test_what_git_traces_is_no_fault_of_the_file(repo: Sandbox) -> None:
    team(repo, "[agent]\n\tbranchPrefix = team/\n")
    said = repo.agent("config", env={"GIT_TRACE": "1", "GIT_TRACE_SETUP": "1"})
    assert "agent.branchPrefix\tteam/\t" in said.out


def test_an_untrusted_check_does_not_run(repo: Sandbox) -> None:
    team(repo, "[agent]\n\tcheck = exit 1\n")
    where = spawned(repo, "First")
    repo.commit(where, "a.py", "a\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    assert repo.tasks()[1]["state"] == "COMPLETED"


def test_git_s_own_configuration_needs_no_trust_and_wins(repo: Sandbox) -> None:
    team(repo, "[agent]\n\tsetup = echo team > ran.log\n")
    repo.agent("init")
    repo.agent("trust")
    repo.git("config", "agent.setup", "echo own > ran.log")
    assert (spawned(repo, "First") / "ran.log").read_text() == "own\n"


def test_a_file_that_git_cannot_read_is_named(repo: Sandbox) -> None:
    team(repo, "[agent\nsetup = x\n")
    result = repo.agent("spawn", "First", exit=1)
    assert ".gitagent" in result.err and "hint: " in result.err and "Traceback" not in result.err


def test_an_include_in_it_is_not_followed(repo: Sandbox, tmp_path: Path) -> None:
    other = repo.write(tmp_path / "other", "[agent]\n\tbranchPrefix = evil/\n")
    team(repo, f"[include]\n\tpath = {other}\n")
    assert repo.git("branch", "--show-current", cwd=spawned(repo, "First")) == "agent/1-first"


def include(repo: Sandbox, patterns: str, *, committed: bool = True) -> None:
    """Write patterns of files to copy; `.env` and `key.pem` are ignored secrets."""
    repo.commit(None, ".gitignore", ".env\n*.pem\n")
    for name in (".env", "key.pem"):
        repo.write(name, "secret\n")
    if committed:
        repo.commit(None, ".worktreeinclude", patterns)
    else:
        repo.write(".worktreeinclude", patterns)


def test_a_committed_include_file_copies_secrets_only_once_it_is_trusted(repo: Sandbox) -> None:
    include(repo, "# secrets\n.env\n")
    said = repo.agent("spawn", "First")
    assert not (repo.worktree(1) / ".env").exists()
    assert "not trusted, so nothing is copied for it: .worktreeinclude; git agent trust accepts it" in said.err
    assert ".worktreeinclude" in repo.agent("trust").out
    said = repo.agent("spawn", "Second")
    assert (repo.worktree(2) / ".env").read_text() == "secret\n" and "not trusted" not in said.err


def test_nor_after_it_was_changed_by_a_merge_or_in_the_checkout(repo: Sandbox) -> None:
    include(repo, ".env\n")
    repo.agent("trust")
    repo.agent("spawn", "First")
    repo.commit(repo.worktree(1), ".worktreeinclude", "*.pem\n")
    for verb in ("done", "approve", "merge"):
        repo.agent(verb, "1")
    repo.agent("spawn", "Second")
    assert not any((repo.worktree(2) / name).exists() for name in (".env", "key.pem"))
    assert "already trusted" not in repo.agent("trust").out
    repo.write(".worktreeinclude", "*\n")
    repo.agent("spawn", "Third")
    assert not any((repo.worktree(3) / name).exists() for name in (".env", "key.pem"))


def test_a_person_s_own_include_file_needs_no_trust(repo: Sandbox) -> None:
    include(repo, ".env\n", committed=False)
    repo.agent("spawn", "First")
    assert (repo.worktree(1) / ".env").exists() and not (repo.worktree(1) / "key.pem").exists()


def test_one_trust_accepts_both_files(repo: Sandbox) -> None:
    include(repo, ".env\n")
    team(repo, "[agent]\n\tsetup = touch ran.log\n")
    commands = repo.agent_json("trust")["commands"]
    assert [each["key"] for each in commands] == ["agent.setup", ".worktreeinclude"]
    repo.agent("spawn", "First")
    assert (repo.worktree(1) / "ran.log").exists() and (repo.worktree(1) / ".env").exists()
    assert repo.agent_json("trust")["already"]
