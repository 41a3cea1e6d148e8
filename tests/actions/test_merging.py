"""merge: as git would, without touching a checkout that is not the base's, and all or nothing."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.faults.whole import rows, wrong
from tests.faults.world import Worlds
from tests.sandbox import Result, Sandbox


def _committed(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "login.py", "fixed\n")


@pytest.fixture
def where(repo: Sandbox, worlds: Worlds) -> Path:
    """Return the worktree of task 1, which has a commit."""
    return worlds.lend(repo, _committed).worktree(1)


def approve(repo: Sandbox) -> None:
    repo.agent("done", "1")
    repo.agent("approve", "1")


def task(repo: Sandbox) -> dict[str, Any]:
    return repo.tasks()[1]


def unchanged(repo: Sandbox, *verb: str, exit: int) -> Result:
    """Run a verb that must change neither branches, nor checkouts, nor files."""
    before = _look(repo)
    result = repo.agent(*verb, exit=exit)
    assert _look(repo) == before
    return result


def _look(repo: Sandbox) -> tuple[str, str, str]:
    return (
        repo.git("for-each-ref"),
        repo.git("status", "--porcelain", "--branch"),
        repo.git("worktree", "list", "--porcelain"),
    )


def test_a_context_file_that_was_committed_is_not_handed_in_and_never_lands(repo: Sandbox, where: Path) -> None:
    """With it in the base no worktree could be made any more."""
    repo.agent("done", "1")
    repo.git("add", "--force", ".", cwd=where)
    repo.git("commit", "--quiet", "--message", "All of it", cwd=where)
    repo.agent("approve", "1")
    for strategy in ("merge", "squash", "rebase", "ff"):
        said = unchanged(repo, "merge", "1", "--strategy", strategy, exit=3).err
        assert "task 1 would bring .worker-ctx.json" in said, said
    assert "would bring .worker-ctx.json" in unchanged(repo, "merge", "--all", exit=3).err
    repo.agent("request-changes", "1", "-m", "take it out")
    repo.agent("start", "1")
    said = unchanged(repo, "done", "1", exit=3).err
    helps = said.partition(f"hint: in {where}: ")[2].partition(" (or")[0]
    for command in helps.split(", then "):
        repo.run(*shlex.split(command), cwd=where)
    approve(repo)
    repo.agent("merge", "1")
    assert ".worker-ctx.json" not in repo.git("ls-files")
    repo.git("add", "--force", repo.write(".worker-ctx.json", "{}"))
    repo.git("commit", "--quiet", "--message", "By hand")
    repo.agent("add", "Next")
    assert ".worker-ctx.json is tracked in this repository" in repo.agent("spawn", "2", exit=3).err


@pytest.mark.parametrize("dirty", ["modified", "staged", "untracked"])
def test_a_dirty_base_that_would_be_touched_is_refused(repo: Sandbox, where: Path, dirty: str) -> None:
    repo.commit(where, "README.md", "theirs\n")
    approve(repo)
    repo.write("login.py" if dirty == "untracked" else "README.md", "mine\n")
    if dirty == "staged":
        repo.git("add", "README.md")
    result = unchanged(repo, "merge", "1", exit=3)
    assert ("login.py" if dirty == "untracked" else "README.md") in result.err
    assert task(repo)["state"] == "APPROVED" and rows(repo, "select * from intent") == []


def test_unrelated_changes_in_the_base_stay(repo: Sandbox, where: Path) -> None:
    approve(repo)
    repo.write("README.md", "mine\n")
    repo.write("new.txt", "mine\n")
    repo.write("src/app.py", "staged\n")
    repo.git("add", "src/app.py")
    before = repo.git("status", "--porcelain")
    repo.agent("merge", "1")
    assert repo.git("status", "--porcelain") == before
    assert (repo.path / "login.py").read_text() == "fixed\n"


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_a_conflict_touches_nothing_and_sends_the_task_back(repo: Sandbox, where: Path, strategy: str) -> None:
    approve(repo)
    repo.commit(None, "login.py", "otherwise\n")
    result = unchanged(repo, "merge", "1", "--strategy", strategy, exit=4)
    assert "login.py" in result.err and "hint: " in result.err
    found = task(repo)
    assert (found["state"], found["hold"], found["unread"]) == ("WORKING", "conflict", 1)
    message = rows(repo, "select * from message order by id desc limit 1")[0]
    assert "login.py" in message["body"]
    assert wrong(repo) == []
    repo.git("rebase", "main", cwd=where, check=False)
    repo.write("login.py", "both\n", cwd=where)
    repo.git("add", "login.py", cwd=where)
    assert repo.run("git", "rebase", "--continue", cwd=where, env={"GIT_EDITOR": "true"}).code == 0
    approve(repo)
    repo.agent("merge", "1", "--strategy", strategy)
    assert (repo.path / "login.py").read_text() == "both\n"


def test_a_commit_msg_hook_may_change_the_message(repo: Sandbox, where: Path) -> None:
    repo.write(".git/hooks/commit-msg", '#!/bin/sh\necho "Checked-by: hook" >> "$1"\n').chmod(0o755)
    approve(repo)
    repo.agent("merge", "1")
    message = repo.git("log", "-1", "--format=%B")
    assert "Checked-by: hook" in message and "Agent-Task: 1" in message and "Reviewed-by: Ada Lovelace" in message


def test_what_can_not_be_removed_after_the_merge_is_not_said_to_be_the_worktree(repo: Sandbox, where: Path) -> None:
    approve(repo)
    refuses = '[ "$1" != prepared ] || ! grep -q " 0\\{40\\} refs/heads/agent/"'
    repo.write(".git/hooks/reference-transaction", f"#!/bin/sh\n{refuses}\n").chmod(0o755)
    said = repo.agent("merge", "1").err
    assert task(repo)["state"] == "COMPLETED" and not where.exists()
    assert "landed, but not everything of it could be removed: " in said and "worktree" not in said, said
    (repo.path / ".git/hooks/reference-transaction").unlink()
    repo.agent("list")
    assert repo.git("branch", "--list", "agent/*") == ""


def test_a_commit_msg_hook_may_refuse(repo: Sandbox, where: Path) -> None:
    approve(repo)
    repo.write(".git/hooks/commit-msg", "#!/bin/sh\necho no ticket >&2\nexit 1\n").chmod(0o755)
    assert "no ticket" in unchanged(repo, "merge", "1", exit=3).err
    assert task(repo)["state"] == "APPROVED" and wrong(repo) == []


@pytest.mark.parametrize("strategy", ["merge", "ff"])
def test_post_merge_runs_where_the_base_is_checked_out(repo: Sandbox, where: Path, strategy: str) -> None:
    repo.write(".git/hooks/post-merge", "#!/bin/sh\npwd > build.log\n").chmod(0o755)
    approve(repo)
    repo.agent("merge", "1", "--strategy", strategy)
    assert (repo.path / "build.log").read_text().strip() == str(repo.path)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")
@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase"])
def test_the_merge_is_signed_when_git_would_sign(repo: Sandbox, where: Path, tmp_path: Path, strategy: str) -> None:
    key = tmp_path / "key"
    assert repo.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).code == 0
    signers = repo.write(tmp_path / "signers", f"ada@example.org {(tmp_path / 'key.pub').read_text()}")
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", key), ("gpg.ssh.allowedSignersFile", signers)):
        repo.git("config", name, value)
    repo.commit(None, "other.py", "other\n")
    repo.git("config", "commit.gpgsign", "true")
    approve(repo)
    repo.agent("merge", "1", "--strategy", strategy)
    assert repo.run("git", "verify-commit", "main").code == 0


def test_a_signing_key_that_is_missing_is_git_s_error_and_nothing_changes(repo: Sandbox, where: Path) -> None:
    approve(repo)
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", "/nowhere"), ("commit.gpgsign", "true")):
        repo.git("config", name, value)
    result = unchanged(repo, "merge", "1", exit=1)
    assert any(word in result.err for word in ("/nowhere", "sign", "ssh-keygen"))
    assert task(repo)["state"] == "APPROVED" and wrong(repo) == []


def test_a_merge_driver_of_the_attributes_is_used(repo: Sandbox) -> None:
    repo.write(".gitattributes", "changelog merge=union\nversion merge=ours\n")
    repo.git("config", "merge.ours.driver", "true")
    repo.git("add", ".gitattributes")
    repo.commit(None, "version", "1\n")
    repo.commit(None, "changelog", "begin\n")
    where = Path(repo.agent_json("spawn", "Fix login")["task"]["worktree"])
    repo.commit(where, "changelog", "begin\ntheirs\n")
    repo.commit(where, "version", "theirs\n")
    repo.commit(None, "changelog", "begin\nours\n")
    repo.commit(None, "version", "ours\n")
    approve(repo)
    repo.agent("merge", "1")
    assert sorted((repo.path / "changelog").read_text().split()) == ["begin", "ours", "theirs"]
    assert (repo.path / "version").read_text() == "ours\n"


@pytest.mark.parametrize("strategy", ["merge", "squash", "rebase", "ff"])
def test_a_base_that_is_checked_out_nowhere_moves_alone(repo: Sandbox, where: Path, strategy: str) -> None:
    approve(repo)
    repo.git("switch", "--quiet", "--create", "side")
    before = repo.git("rev-parse", "side")
    repo.agent("merge", "1", "--strategy", strategy)
    assert repo.git("rev-parse", "side") == before and repo.git("status", "--porcelain") == ""
    assert repo.git("show", "main:login.py") == "fixed"
    assert task(repo)["merged_by"] == strategy and wrong(repo) == []


def test_a_base_that_is_checked_out_twice_is_refused(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    approve(repo)
    repo.git("worktree", "add", "--quiet", "--force", str(tmp_path / "second"), "main")
    result = unchanged(repo, "merge", "1", exit=3)
    assert str(tmp_path / "second") in result.err
    assert repo.git("status", "--porcelain", cwd=tmp_path / "second") == ""


def test_the_base_in_a_linked_worktree_is_brought_forward_there(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    approve(repo)
    repo.git("switch", "--quiet", "--create", "side")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "second"), "main")
    repo.agent("merge", "1")
    assert (tmp_path / "second" / "login.py").read_text() == "fixed\n"
    assert repo.git("status", "--porcelain", cwd=tmp_path / "second") == ""


def test_the_identity_is_git_s(repo: Sandbox, where: Path) -> None:
    approve(repo)
    env = {"GIT_COMMITTER_NAME": "Grace", "GIT_COMMITTER_EMAIL": "grace@example.org", "GIT_AUTHOR_NAME": "Joan"}
    repo.agent("merge", "1", env=env)
    assert repo.git("log", "-1", "--format=%an|%cn <%ce>") == "Joan|Grace <grace@example.org>"


def test_a_missing_identity_is_a_clear_error(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    approve(repo)
    config = repo.write(tmp_path / "empty", "[user]\n\tuseConfigOnly = true\n")
    env = {"GIT_CONFIG_GLOBAL": str(config), "EMAIL": None}
    result = repo.agent("merge", "1", env=env, exit=1)
    assert result.err.startswith("error: ") and "user.email" in result.err and "Traceback" not in result.err
    assert task(repo)["state"] == "APPROVED" and wrong(repo) == []


def test_the_check_runs_on_the_merged_tree_and_elsewhere(repo: Sandbox, where: Path) -> None:
    repo.commit(None, "other.py", "other\n")
    repo.git("config", "agent.check", f'cat login.py other.py && test "$PWD" != "{repo.path}"')
    approve(repo)
    repo.agent("merge", "1")
    assert task(repo)["state"] == "COMPLETED" and wrong(repo) == []


def test_a_check_that_fails_sends_the_task_back_with_its_output(repo: Sandbox, where: Path) -> None:
    repo.git("config", "agent.check", "test ! -e login.py || { echo it is broken; exit 9; }")
    approve(repo)
    result = unchanged(repo, "merge", "1", exit=3)
    assert "it is broken" in result.err and "failed with 9" in result.err
    found = task(repo)
    assert (found["state"], found["hold"], found["unread"]) == ("WORKING", "check_failed", 1)
    assert "it is broken" in rows(repo, "select body from message order by id desc limit 1")[0]["body"]
    approve(repo)
    repo.agent("merge", "1", "--no-check")
    assert task(repo)["state"] == "COMPLETED" and wrong(repo) == []


def test_a_base_that_fails_the_check_by_itself_blames_no_task(repo: Sandbox, where: Path) -> None:
    repo.git("config", "agent.check", "echo no compiler; exit 9")
    approve(repo)
    for words in (("--dry-run",), ()):
        result = unchanged(repo, "merge", "1", *words, exit=3)
        assert "the check fails on 'main' itself" in result.err and "no compiler" in result.err
        assert "hint: fix 'main' first, or git agent merge --no-check 1\n" in result.err
    assert (task(repo)["state"], task(repo)["hold"], task(repo)["unread"]) == ("APPROVED", None, 0)
    assert wrong(repo) == []


def test_a_check_that_fails_once_blames_no_task(repo: Sandbox, where: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    repo.git("config", "agent.check", f'test -e "{ran}" || {{ test ! -e login.py || ! touch "{ran}"; }}')
    approve(repo)
    result = repo.agent("merge", "1")
    assert "it fails only sometimes" in result.err and task(repo)["state"] == "COMPLETED" and wrong(repo) == []


def test_a_task_s_own_check_counts_before_the_repository_s(repo: Sandbox) -> None:
    repo.git("config", "agent.check", "exit 1")
    where = Path(repo.agent_json("spawn", "Fix login", "--check", "test -f login.py")["task"]["worktree"])
    repo.commit(where, "login.py", "fixed\n")
    approve(repo)
    repo.agent("merge", "1")
    assert task(repo)["state"] == "COMPLETED"


def test_keep_keeps_worktree_and_branch(repo: Sandbox, where: Path) -> None:
    approve(repo)
    repo.agent("merge", "1", "--keep")
    assert where.is_dir() and repo.git("branch", "--list", "agent/1-fix-login").strip("+ ") == "agent/1-fix-login"
    assert task(repo)["state"] == "COMPLETED" and wrong(repo) == []


@pytest.mark.parametrize("words", [("1",), ("--all",)], ids=["one", "queue"])
def test_json_names_what_went_and_what_was_not_kept(repo: Sandbox, where: Path, words: tuple[str, ...]) -> None:
    repo.commit(where, ".gitignore", "build/\n")
    repo.write("build/out.o", "x\n", cwd=where)
    approve(repo)
    gone = repo.agent_json("merge", *words)["removed"]
    gone = gone["1"] if words == ("--all",) else gone
    assert (gone["worktrees"], gone["branches"]) == ([str(where)], ["agent/1-fix-login"])
    assert (gone["kept"], gone["rescued"], gone["not_kept"]) == ([], ["refs/git-agent/rescue/1/1"], ["build/"])


@pytest.mark.parametrize("outcome", ["clean", "conflict", "check", "dirty"])
def test_a_dry_run_changes_nothing(repo: Sandbox, where: Path, outcome: str) -> None:
    approve(repo)
    if outcome == "conflict":
        repo.commit(None, "login.py", "otherwise\n")
    if outcome == "check":
        repo.git("config", "agent.check", "test ! -e login.py")
    if outcome == "dirty":
        repo.write("login.py", "mine\n")
    unchanged(repo, "merge", "1", "--dry-run", exit={"clean": 0, "conflict": 4}.get(outcome, 3))
    if outcome == "dirty":
        (repo.path / "login.py").unlink()
    assert task(repo)["state"] == "APPROVED" and task(repo)["unread"] == 0
    assert wrong(repo) == []


def test_already_records_what_git_cannot_prove(repo: Sandbox, where: Path) -> None:
    oid = repo.commit(None, "login.py", "fixed, by somebody else\n")
    assert "no-such-commit" in repo.agent("merge", "1", "--already", "no-such-commit", exit=1).err
    elsewhere = repo.git("rev-parse", "agent/1-fix-login")
    assert "is not in 'main'" in repo.agent("merge", "1", "--already", elsewhere, exit=3).err
    repo.agent("merge", "1", "--already", oid)
    found = task(repo)
    assert (found["state"], found["merged_oid"], found["merged_by"]) == ("COMPLETED", oid, None)
    assert where.is_dir()


def test_git_in_the_check_means_the_merged_tree(repo: Sandbox, where: Path) -> None:
    command = 'git ls-files --error-unmatch login.py && git status --porcelain > "$HOME/said"'
    repo.git("config", "agent.check", command)
    approve(repo)
    repo.agent("merge", "1", env={"GIT_INDEX_FILE": "/nowhere/index"})
    said = Path(os.environ["HOME"], "said")
    assert said.read_text() == ""
    said.unlink()


def test_a_check_that_is_not_the_repository_s_is_shown_before_it_runs(repo: Sandbox) -> None:
    repo.git("config", "agent.check", "true")
    for number, check in ((1, "test -e README.md"), (2, "true")):
        repo.agent("spawn", f"Task {number}", "--check", check)
        repo.commit(repo.worktree(number), f"{number}.txt", "one\n")
        repo.agent("done", str(number))
    own = "with a check of its own: test -e README.md"
    whys = lambda: [n["why"] for n in repo.agent_json("status")["needs_you"]]  # noqa: E731
    assert whys() == [f"is ready for review, {own}", "is ready for review"]
    assert own in repo.agent("show", "1").out and "of its own" not in repo.agent("show", "2").out
    assert own in repo.agent("approve", "1").out and "of its own" not in repo.agent("approve", "2").out
    assert whys() == [f"is approved, {own}", "is approved"]
    assert own in repo.agent("merge", "1", "-n").out and "of its own" not in repo.agent("merge", "2", "-n").out
    assert repo.agent("merge", "--all", "-n").out.count("of its own") == 1
