"""git/run: the environment, errors, locks."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

import pytest

from git_agent.errors import AgentError, Exit
from git_agent.git import run, versions
from git_agent.git.run import GitError, git
from tests.sandbox import Sandbox


def test_every_variable_that_git_calls_local_is_taken_away_or_kept_on_purpose() -> None:
    printed = set(git("rev-parse", "--local-env-vars").text.split())
    assert printed <= run.LOCAL_NAMES | run.KEPT_NAMES


def test_a_callers_git_dir_and_index_do_not_reach_git(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert git("status", "--porcelain", cwd=str(repo.path)).out == b""


def test_configuration_given_with_git_dash_c_counts(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'user.name'='Grace'")
    assert git("config", "user.name", cwd=str(repo.path)).text == "Grace"


def test_an_error_carries_gits_own_words(repo: Sandbox) -> None:
    with pytest.raises(GitError) as caught:
        git("rev-parse", "--verify", "nothing-here", cwd=str(repo.path))
    assert caught.value.status == 128
    assert caught.value.message == "Needed a single revision"
    assert caught.value.code == "git-failed"


def test_a_status_that_is_allowed_is_no_error(repo: Sandbox) -> None:
    assert git("symbolic-ref", "--quiet", "refs/heads/main", cwd=str(repo.path), ok=(0, 1, 128)).status != 0


def test_without_git_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AgentError) as caught:
        git("version")
    assert caught.value.code == "no-git"


def test_a_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(AgentError) as caught:
        git("version", cwd=str(tmp_path / "gone"))
    assert caught.value.code == "no-directory"


def test_a_nul_in_an_argument_is_a_usage_error() -> None:
    with pytest.raises(AgentError) as caught:
        git("rev-parse", "a\0b")
    assert caught.value.exit == Exit.USAGE


def test_a_lock_that_goes_away_is_waited_for(repo: Sandbox) -> None:
    lock = repo.path / ".git" / "refs" / "heads" / "main.lock"
    lock.touch()
    threading.Timer(0.3, lock.unlink).start()
    head = repo.git("rev-parse", "HEAD~1")
    git("update-ref", "refs/heads/main", head, cwd=str(repo.path))
    assert repo.git("rev-parse", "main") == head


def test_a_lock_that_stays_is_busy_and_named(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_PATIENCE", 0.2)
    (repo.path / ".git" / "config.lock").touch()
    began = time.monotonic()
    with pytest.raises(AgentError) as caught:
        git("config", "a.b", "c", cwd=str(repo.path))
    assert caught.value.code == "git-busy"
    assert caught.value.exit == Exit.BUSY
    assert "config.lock" in caught.value.message
    assert time.monotonic() - began < 5


def test_who_holds_a_lock_that_stays_is_named(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_PATIENCE", 0.2)
    with open(repo.path / ".git/config.lock", "w") as held:
        holder = subprocess.Popen(["sleep", "100"], stdout=held)
    try:
        with pytest.raises(AgentError, match=rf"process {holder.pid} \(sleep\) holds .*config\.lock"):
            git("config", "a.b", "c", cwd=str(repo.path))
    finally:
        holder.kill()
        holder.wait()
    with pytest.raises(AgentError, match=r"another git holds"):
        git("config", "a.b", "c", cwd=str(repo.path))


def test_the_trace_shows_each_command(
    repo: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GIT_AGENT_TRACE", "1")
    git("rev-parse", "HEAD", cwd=str(repo.path))
    assert "'rev-parse', 'HEAD'" in capsys.readouterr().err


def test_bytes_that_are_not_utf8_survive(repo: Sandbox) -> None:
    name = os.fsencode(repo.path) + b"/\xff\xe9"
    Path(os.fsdecode(name)).touch()
    listed = git("ls-files", "--others", "-z", cwd=str(repo.path)).fields
    assert listed == [os.fsdecode(b"\xff\xe9")]


def test_this_git_is_new_enough() -> None:
    versions.require_git()
    assert versions.git_version() >= versions.MINIMUM


def test_an_old_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    versions.git_version.cache_clear()
    try:
        with pytest.raises(AgentError, match="too old"):
            versions.require_git()
    finally:
        versions.git_version.cache_clear()
