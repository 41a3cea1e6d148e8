"""git/merges: try, commit, rebase, land."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from git_agent.errors import AgentError, Exit
from git_agent.git import refs, versions
from git_agent.git.merging.land import land_commit, require_landable
from git_agent.git.merging.merge import Clean, commit_merge, merge_message, try_merge
from git_agent.git.merging.rebase import Conflict, rebase
from git_agent.git.merging.settings import read_settings
from git_agent.git.repo import Repo
from git_agent.git.run import git
from tests.sandbox import Sandbox


def opened(sandbox: Sandbox) -> Repo:
    return Repo.open(str(sandbox.path))


def fork(repo: Sandbox, path: str, base: str, ours: str, theirs: str) -> tuple[str, str]:
    """Return main's and topic's tips after both changed one file."""
    repo.commit(None, path, base, "start")
    repo.git("switch", "--quiet", "--create", "topic")
    tip = repo.commit(None, path, theirs, "theirs")
    repo.git("switch", "--quiet", "main")
    return repo.commit(None, path, ours, "ours"), tip


def clean(repo: Sandbox, base: str, tip: str, message: str = "Merge it") -> str:
    found = opened(repo)
    merged = try_merge(found, base, tip)
    assert isinstance(merged, Clean)
    return commit_merge(found, merged.tree, [base, tip], message, read_settings(found, "main"))


def ready(repo: Sandbox, path: str = "new", content: str = "1\n") -> tuple[str, str]:
    """Return main's tip and a merge of a topic into it that is not landed."""
    old = repo.git("rev-parse", "main")
    repo.git("switch", "--quiet", "--create", "topic")
    tip = repo.commit(None, path, content)
    repo.git("switch", "--quiet", "main")
    return old, clean(repo, old, tip)


def is_untouched(repo: Sandbox, old: str) -> bool:
    return repo.git("rev-parse", "main") == old and repo.git("diff", "--cached", "--name-only") == ""


def test_a_clean_merge_is_what_git_would_make(repo: Sandbox) -> None:
    base, tip = fork(repo, "a", "1\n2\n3\n4\n5\n", "0\n2\n3\n4\n5\n", "1\n2\n3\n4\n6\n")
    oid = clean(repo, base, tip)
    assert repo.git("show", f"{oid}:a") == "0\n2\n3\n4\n6"
    assert repo.git("log", "-1", "--format=%P|%s|%an", oid) == f"{base} {tip}|Merge it|Ada Lovelace"
    assert repo.git("status", "--porcelain") == ""


def test_a_conflict_names_its_paths_as_they_are(repo: Sandbox) -> None:
    base, tip = fork(repo, "d/\xe9 \n'x", "1\n", "2\n", "3\n")
    assert try_merge(opened(repo), base, tip) == Conflict(("d/\xe9 \n'x",))


def test_a_bad_revision_is_an_error_and_no_conflict(repo: Sandbox) -> None:
    with pytest.raises(AgentError):
        try_merge(opened(repo), repo.git("rev-parse", "HEAD"), "1" * 40)


def test_unrelated_histories_are_refused(repo: Sandbox) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.git("checkout", "--quiet", "--orphan", "other")
    tip = repo.commit(None, "z", "1")
    with pytest.raises(AgentError) as caught:
        try_merge(opened(repo), base, tip)
    assert (caught.value.code, caught.value.exit) == ("unrelated-histories", Exit.REFUSED)


@pytest.mark.parametrize("where", [".gitattributes", "sub/.gitattributes"])
def test_the_bases_attributes_count_whatever_is_checked_out(repo: Sandbox, where: str) -> None:
    folder = os.path.dirname(where)
    path = os.path.join(folder, "LOG")
    repo.commit(None, where, "LOG merge=union\n")
    base, tip = fork(repo, path, "1\n", "1\nours\n", "1\ntheirs\n")
    repo.git("switch", "--quiet", "--detach", "HEAD~2")
    repo.git("rm", "--quiet", where)
    merged = try_merge(opened(repo), base, tip)
    assert isinstance(merged, Clean)
    assert set(repo.git("show", f"{merged.tree}:{path}").split()) == {"1", "ours", "theirs"}


def test_attributes_of_the_base_count_in_a_bare_repository(repo: Sandbox, tmp_path: Path) -> None:
    repo.commit(None, ".gitattributes", "LOG merge=union\n")
    base, tip = fork(repo, "LOG", "1\n", "1\nours\n", "1\ntheirs\n")
    repo.git("clone", "--quiet", "--bare", ".", tmp_path / "p.git")
    assert isinstance(try_merge(Repo.open(str(tmp_path / "p.git")), base, tip), Clean)


def test_attributes_that_the_base_lacks_do_not_count(repo: Sandbox) -> None:
    base, tip = fork(repo, "LOG", "1\n", "1\nours\n", "1\ntheirs\n")
    repo.write(".gitattributes", "LOG merge=union\n")
    repo.git("add", ".gitattributes")
    assert try_merge(opened(repo), base, tip) == Conflict(("LOG",))


def test_a_merge_driver_of_the_user_runs(repo: Sandbox) -> None:
    repo.commit(None, ".gitattributes", "lock merge=mine\n")
    repo.git("config", "merge.mine.driver", "echo driven > %A")
    base, tip = fork(repo, "lock", "1\n", "2\n", "3\n")
    merged = try_merge(opened(repo), base, tip)
    assert isinstance(merged, Clean)
    assert repo.git("show", f"{merged.tree}:lock") == "driven"


def test_crlf_files_merge_as_in_a_checkout(repo: Sandbox) -> None:
    repo.commit(None, ".gitattributes", "*.txt text eol=crlf\n")
    base, tip = fork(repo, "a.txt", "1\r\n2\r\n3\r\n4\r\n", "0\r\n2\r\n3\r\n4\r\n", "1\r\n2\r\n3\r\n5\r\n")
    oid = clean(repo, base, tip)
    assert land_commit(opened(repo), "main", oid, base, "merge") == str(repo.path)
    assert (repo.path / "a.txt").read_bytes() == b"0\r\n2\r\n3\r\n5\r\n"
    assert repo.git("status", "--porcelain") == ""


def hook(repo: Sandbox, name: str, body: str) -> None:
    repo.write(f".git/hooks/{name}", f"#!/bin/sh\n{body}\n").chmod(0o755)


def test_the_commit_msg_hook_edits_and_refuses(repo: Sandbox) -> None:
    found, head = opened(repo), repo.git("rev-parse", "HEAD")
    tree = repo.git("rev-parse", "HEAD^{tree}")
    hook(repo, "commit-msg", 'printf "\\nChange-Id: I1\\n\\n\\n" >> "$1"')
    oid = commit_merge(found, tree, [head], "  Title  \n\n\nBody\n\n", read_settings(found, "main"))
    assert repo.git("log", "-1", "--format=%B", oid) == "  Title\n\nBody\n\nChange-Id: I1"
    hook(repo, "commit-msg", "echo too short; exit 1")
    with pytest.raises(AgentError) as caught:
        commit_merge(found, tree, [head], "T", read_settings(found, "main"))
    assert (caught.value.code, caught.value.exit, caught.value.details) == (
        "hook-refused",
        Exit.REFUSED,
        ("too short",),
    )
    assert list((repo.path / ".git" / "git-agent").glob("COMMIT_MSG*")) == []


def test_commits_are_signed_only_when_configured(repo: Sandbox, tmp_path: Path) -> None:
    found, head = opened(repo), repo.git("rev-parse", "HEAD")
    tree = repo.git("rev-parse", "HEAD^{tree}")
    repo.write(tmp_path / "gpg", "#!/bin/sh\nexit 1\n").chmod(0o755)
    repo.git("config", "gpg.program", str(tmp_path / "gpg"))
    assert commit_merge(found, tree, [head], "T", read_settings(found, "main"))
    repo.git("config", "commit.gpgsign", "yes")
    with pytest.raises(AgentError, match="did not sign the commit"):
        commit_merge(found, tree, [head], "T", read_settings(found, "main"))


def test_an_empty_message_is_refused(repo: Sandbox) -> None:
    found = opened(repo)
    with pytest.raises(AgentError, match="empty"):
        commit_merge(found, repo.git("rev-parse", "HEAD^{tree}"), [], " \n", read_settings(found, "main"))


def test_the_merge_message_is_gits(repo: Sandbox) -> None:
    base, tip = fork(repo, "a", "1\n", "2\n", "3\n")
    assert merge_message(opened(repo), "topic", "main", tip, str(repo.path)) == "Merge branch 'topic'"
    repo.git("config", "merge.log", "true")
    assert "* topic:\n  theirs" in merge_message(opened(repo), "topic", "main", tip, str(repo.path))
    repo.git("branch", "dev", base)
    assert merge_message(opened(repo), "topic", "dev", tip, None) == "Merge branch 'topic' into dev"


def test_a_rebase_gives_the_same_as_gits_and_leaves_nothing(repo: Sandbox) -> None:
    repo.git("switch", "--quiet", "--create", "topic")
    repo.commit(None, "docs/guide.md", "\n".join(f"Line {n}" for n in range(1, 21)) + "\nend\n", "one")
    tip = repo.commit(None, "other/new", "1\n", "two")
    repo.git("branch", "copy")
    repo.git("switch", "--quiet", "main")
    base = repo.commit(None, "README.md", "changed\n", "ours")
    oid = rebase(opened(repo), base, tip)
    assert isinstance(oid, str)
    repo.git("switch", "--quiet", "copy")
    repo.git("rebase", "--quiet", "main")
    assert repo.git("rev-parse", f"{oid}^{{tree}}") == repo.git("rev-parse", "copy^{tree}")
    assert repo.git("log", "--format=%s", f"{base}..{oid}") == "two\none"
    assert repo.git("rev-parse", "topic") == tip
    assert list((repo.path / ".git" / "git-agent" / "scratch").iterdir()) == []
    assert not (repo.path / ".git" / "worktrees").exists()
    assert repo.git("config", "--get-regexp", "sparse|worktreeconfig", check=False) == ""


def test_a_rebase_conflict_names_its_paths_and_leaves_nothing(repo: Sandbox) -> None:
    base, tip = fork(repo, "deep/a", "1\n", "2\n", "3\n")
    assert rebase(opened(repo), base, tip) == Conflict(("deep/a",))
    assert list((repo.path / ".git" / "git-agent" / "scratch").iterdir()) == []
    assert not (repo.path / ".git" / "worktrees").exists()
    assert repo.git("status", "--porcelain") == ""


def test_a_rebase_drops_what_the_base_has(repo: Sandbox) -> None:
    repo.git("switch", "--quiet", "--create", "topic")
    picked = repo.commit(None, "a", "1\n", "one")
    tip = repo.commit(None, "b", "1\n", "two")
    repo.git("switch", "--quiet", "main")
    repo.commit(None, "c", "1\n", "ours")
    repo.git("cherry-pick", picked)
    base = repo.git("rev-parse", "HEAD")
    oid = rebase(opened(repo), base, tip)
    assert repo.git("log", "--format=%s", f"{base}..{oid}") == "two"


def test_a_rebase_obeys_union_and_ignores_hooks_and_taste(repo: Sandbox) -> None:
    repo.commit(None, "sub/.gitattributes", "LOG merge=union\n")
    base, tip = fork(repo, "sub/LOG", "1\n", "1\nours\n", "1\ntheirs\n")
    hook(repo, "pre-rebase", "exit 1")
    hook(repo, "post-commit", "exit 1")
    for key in ("rebase.updateRefs", "rebase.autoStash", "rebase.autoSquash", "rebase.rebaseMerges"):
        repo.git("config", key, "true")
    oid = rebase(opened(repo), base, tip)
    assert isinstance(oid, str)
    assert set(repo.git("show", f"{oid}:sub/LOG").split()) == {"1", "ours", "theirs"}
    assert repo.git("rev-parse", "topic") == tip


@pytest.mark.parametrize("gone", ["", "gitdir", "HEAD", "worktree"])
def test_what_a_killed_rebase_left_is_swept_up(repo: Sandbox, gone: str) -> None:
    base, tip = fork(repo, "a", "1\n", "2\n", "3\n")
    scratch = repo.path / ".git" / "git-agent" / "scratch"
    scratch.mkdir(parents=True)
    repo.git("worktree", "add", "--quiet", "--lock", "--detach", scratch / "1-dead", tip)
    (scratch / "1-dead.alive").touch()
    if gone == "worktree":
        shutil.rmtree(scratch / "1-dead")
    elif gone:
        (repo.path / ".git" / "worktrees" / "1-dead" / gone).unlink()
    rebase(opened(repo), base, tip)
    assert list(scratch.iterdir()) == []
    assert not (repo.path / ".git" / "worktrees").exists()


def test_landing_keeps_unrelated_changes_of_every_kind(repo: Sandbox) -> None:
    old, new = ready(repo)
    repo.write("README.md", "modified\n")
    repo.write("staged", "1")
    repo.git("add", "staged")
    repo.write("untracked", "1")
    os.utime(repo.path / "README.md")
    require_landable(opened(repo), "main", new, old)
    assert land_commit(opened(repo), "main", new, old, "git-agent: merge 7") == str(repo.path)
    assert repo.git("rev-parse", "main") == new
    assert repo.git("status", "--porcelain").split("\n") == [" M README.md", "A  staged", "?? untracked"]
    assert repo.git("reflog", "-1", "--format=%gs", "main") == "git-agent: merge 7: Fast-forward"
    assert (repo.path / "new").read_text() == "1\n"


@pytest.mark.parametrize(("path", "listed"), [("README.md", "README.md"), ("new/er", "new/er")])
@pytest.mark.parametrize("ignored", [False, True], ids=["seen", "ignored"])
@pytest.mark.parametrize("land", [require_landable, partial(land_commit, message="m")], ids=["before", "then"])
def test_changes_in_the_way_stop_the_landing_and_are_listed(
    repo: Sandbox, path: str, listed: str, land: Callable[..., object], ignored: bool
) -> None:
    old, new = ready(repo, path)
    repo.write(path, "mine\n")
    if ignored:
        repo.write(".git/info/exclude", "*\n")
    with pytest.raises(AgentError) as caught:
        land(opened(repo), "main", new, old)
    assert (caught.value.code, caught.value.exit, caught.value.details) == ("checkout-dirty", Exit.REFUSED, (listed,))
    assert is_untouched(repo, old)
    assert (repo.path / path).read_text() == "mine\n"


@pytest.mark.parametrize(("new", "mine"), [("build", "build/deep/data"), ("out/log", "out")])
def test_an_ignored_file_is_not_lost_to_a_file_or_directory_of_its_name(repo: Sandbox, new: str, mine: str) -> None:
    old, tip = ready(repo, new)
    repo.write(".git/info/exclude", "*\n")
    repo.write(mine, "mine\n")
    with pytest.raises(AgentError) as caught:
        land_commit(opened(repo), "main", tip, old, message="m")
    assert caught.value.code == "checkout-dirty" and is_untouched(repo, old)
    assert (repo.path / mine).read_text() == "mine\n"


def test_a_base_that_moved_is_said(repo: Sandbox) -> None:
    old, new = ready(repo)
    moved = repo.commit(None, "z", "1")
    with pytest.raises(refs.RefMoved):
        land_commit(opened(repo), "main", new, old, "m")
    assert is_untouched(repo, moved)
    repo.git("switch", "--quiet", "--create", "elsewhere")
    with pytest.raises(refs.RefMoved):
        land_commit(opened(repo), "main", new, old, "m")
    assert is_untouched(repo, moved)


def test_a_base_that_nobody_has_checked_out_moves_by_itself(repo: Sandbox) -> None:
    old, new = ready(repo)
    repo.git("switch", "--quiet", "--create", "elsewhere")
    assert land_commit(opened(repo), "main", new, old, "why") is None
    assert repo.git("rev-parse", "main") == new
    assert repo.git("reflog", "-1", "--format=%gs", "main") == "why"


def test_a_linked_checkout_of_the_base_is_brought_forward(repo: Sandbox, tmp_path: Path) -> None:
    old, new = ready(repo)
    repo.git("switch", "--quiet", "--create", "elsewhere")
    repo.git("worktree", "add", "--quiet", tmp_path / "w", "main")
    hook(repo, "post-merge", 'pwd > "$HOME/merged"')
    assert land_commit(opened(repo), "main", new, old, "m") == str(tmp_path / "w")
    assert (tmp_path / "w" / "new").exists()
    assert repo.git("status", "--porcelain", cwd=tmp_path / "w") == ""
    assert (Path(os.environ["HOME"]) / "merged").read_text().strip() == str(tmp_path / "w")


@pytest.mark.parametrize("operation", ["rebase", "merge", "cherry-pick"])
def test_an_operation_under_way_in_the_checkout_is_named(repo: Sandbox, operation: str) -> None:
    fork(repo, "a", "1\n", "2\n", "3\n")
    repo.git("branch", "other", "topic")
    repo.git("branch", "-D", "topic")
    old, new = ready(repo)
    repo.git(operation, "other", check=False)
    with pytest.raises(AgentError) as caught:
        land_commit(opened(repo), "main", new, old, "m")
    assert (caught.value.code, caught.value.exit) == ("checkout-busy", Exit.REFUSED)
    assert str(repo.path) in caught.value.message
    assert repo.git("rev-parse", "main") == old


def test_a_base_checked_out_twice_is_refused(repo: Sandbox, tmp_path: Path) -> None:
    old, new = ready(repo)
    repo.git("worktree", "add", "--quiet", "--force", tmp_path / "w", "main")
    with pytest.raises(AgentError) as caught:
        land_commit(opened(repo), "main", new, old, "m")
    assert caught.value.code == "checked-out-twice"
    assert is_untouched(repo, old)


def test_a_locked_checkout_that_is_away_is_refused(repo: Sandbox, tmp_path: Path) -> None:
    old, new = ready(repo)
    repo.git("switch", "--quiet", "--create", "elsewhere")
    repo.git("worktree", "add", "--quiet", "--lock", tmp_path / "w", "main")
    (tmp_path / "w").rename(tmp_path / "away")
    with pytest.raises(AgentError) as caught:
        land_commit(opened(repo), "main", new, old, "m")
    assert caught.value.code == "checkout-missing"
    repo.git("worktree", "unlock", tmp_path / "w")
    assert land_commit(opened(repo), "main", new, old, "m") is None


def test_a_vetoed_landing_leaves_the_checkout_clean(repo: Sandbox) -> None:
    old, new = ready(repo)
    hook(repo, "reference-transaction", 'test "$1" != prepared || ! grep -q refs/heads/main')
    with pytest.raises(AgentError):
        land_commit(opened(repo), "main", new, old, "m")
    (repo.path / ".git" / "hooks" / "reference-transaction").unlink()
    assert repo.git("rev-parse", "main") == old
    assert repo.git("status", "--porcelain") == ""


def test_merge_options_of_the_user_do_not_change_a_landing(repo: Sandbox) -> None:
    old, new = ready(repo)
    repo.git("config", "branch.main.mergeOptions", "--no-ff --squash --edit")
    repo.git("config", "merge.autoStash", "true")
    repo.git("config", "merge.ff", "false")
    land_commit(opened(repo), "main", new, old, "m")
    assert repo.git("rev-parse", "main") == new
    assert repo.git("status", "--porcelain") == ""


def test_a_bare_repository_lands_by_compare_and_swap(repo: Sandbox, tmp_path: Path) -> None:
    old, new = ready(repo)
    repo.git("branch", "ready", new)
    repo.git("clone", "--quiet", "--bare", ".", tmp_path / "p.git")
    bare = Repo.open(str(tmp_path / "p.git"))
    assert land_commit(bare, "main", new, old, "m") is None
    assert bare.branch_oid("main") == new


@pytest.mark.parametrize("how", [("--object-format=sha256",), ("--ref-format=reftable",)])
def test_other_repository_formats_merge_rebase_and_land(tmp_path: Path, how: tuple[str, ...]) -> None:
    if how == ("--ref-format=reftable",) and versions.git_version() < (2, 46, 0):
        pytest.skip("this git has no reftable")
    git("init", "--quiet", *how, str(tmp_path / "r"))
    repo = Sandbox(tmp_path / "r")
    base, tip = fork(repo, "a", "1\n2\n3\n4\n", "0\n2\n3\n4\n", "1\n2\n3\n5\n")
    oid = clean(repo, base, tip)
    assert isinstance(rebase(opened(repo), base, tip), str)
    land_commit(opened(repo), "main", oid, base, "m")
    assert repo.git("status", "--porcelain") == ""
    assert refs.keep_rescue(opened(repo), 1, oid) == "refs/git-agent/rescue/1/1"
