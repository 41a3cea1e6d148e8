"""git/repo: where the repository is, and what it says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from git_agent.errors import AgentError
from git_agent.git.history import stashes
from git_agent.git.repo import Repo
from git_agent.git.run import git
from tests.sandbox import Sandbox


def opened(sandbox: Sandbox) -> Repo:
    return Repo.open(str(sandbox.path))


def test_a_subdirectory_finds_the_top_level(repo: Sandbox) -> None:
    found = Repo.open(str(repo.path / "src" / "lib"))
    assert found.worktree == found.main_worktree == str(repo.path)
    assert found.common_dir == found.git_dir == str(repo.path / ".git")
    assert (found.bare, found.admin, found.name) == (False, None, "my repo")


def test_the_git_directory_finds_the_main_worktree(repo: Sandbox) -> None:
    found = Repo.open(str(repo.path / ".git" / "refs"))
    assert (found.worktree, found.main_worktree) == (None, str(repo.path))


@pytest.mark.parametrize("name", ["a\nb", "\xe9 'q\"", os.fsdecode(b"\xff\xfe"), "-x"])
def test_a_strange_path_is_found_from_main_and_linked_worktrees(repo: Sandbox, tmp_path: Path, name: str) -> None:
    strange = tmp_path / name
    repo.path.rename(strange)
    moved = Sandbox(strange)
    moved.git("worktree", "add", "--quiet", strange.parent / (name + "2"), "-b", "other")
    for place in (strange, strange / "src", strange.parent / (name + "2")):
        found = Repo.open(str(place))
        assert found.main_worktree == str(strange)
        assert found.common_dir == str(strange / ".git")
    assert opened(moved).heads()["other"].worktree == str(strange.parent / (name + "2"))


def test_a_linked_worktree_knows_its_name(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", tmp_path / "linked", "-b", "other")
    found = Repo.open(str(tmp_path / "linked" / "src"))
    assert (found.admin, found.worktree, found.main_worktree) == ("linked", str(tmp_path / "linked"), str(repo.path))


def test_a_hooks_git_dir_is_honoured(repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.git("worktree", "add", "--quiet", tmp_path / "linked", "-b", "other")
    monkeypatch.setenv("GIT_DIR", str(repo.path / ".git" / "worktrees" / "linked"))
    monkeypatch.chdir(tmp_path)
    found = Repo.open()
    assert (found.admin, found.worktree, found.main_worktree) == ("linked", str(tmp_path / "linked"), str(repo.path))


def test_a_bare_repository_and_its_worktree(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", tmp_path / "proj.git")
    bare = Repo.open(str(tmp_path / "proj.git"))
    assert (bare.bare, bare.worktree, bare.main_worktree, bare.name) == (True, None, None, "proj")
    bare.git("worktree", "add", "--quiet", str(tmp_path / "w"), "main")
    inside = Repo.open(str(tmp_path / "w"))
    assert (inside.bare, inside.main_worktree, inside.worktree) == (True, None, str(tmp_path / "w"))
    assert inside.current_branch() == "main"


def test_a_submodule_has_its_own_worktree(repo: Sandbox, tmp_path: Path) -> None:
    over = Sandbox(tmp_path / "over")
    over.path.mkdir()
    over.git("init", "--quiet")
    if not (Path(repo.git("--exec-path")) / "git-submodule").exists():
        pytest.skip("this git comes without git submodule")
    over.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", repo.path, "sub")
    found = Repo.open(str(over.path / "sub" / "src"))
    assert found.common_dir == str(over.path / ".git" / "modules" / "sub")
    assert found.worktree == found.main_worktree == str(over.path / "sub")
    assert Repo.open(found.common_dir).main_worktree == str(over.path / "sub")
    assert "main" in found.heads()


def test_no_repository_is_said_with_git_init(tmp_path: Path) -> None:
    with pytest.raises(AgentError) as caught:
        Repo.open(str(tmp_path))
    assert (caught.value.code, caught.value.hint) == ("not-a-repository", "cd into a repository; git init creates one")


def test_a_repository_of_another_owner_brings_gits_own_hint(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(AgentError) as caught:
        opened(repo)
    assert caught.value.code == "unsafe-repository"
    assert "safe.directory" in caught.value.hint


def test_a_branch_named_like_an_option_is_only_a_name(repo: Sandbox) -> None:
    repo.git("update-ref", "refs/heads/-foo", "HEAD")
    found = opened(repo)
    assert found.branch_oid("-foo") == repo.git("rev-parse", "HEAD")
    assert "-foo" in found.heads()
    assert found.resolve("--upload-pack=x") is None


def test_history_is_counted_both_ways(repo: Sandbox) -> None:
    found, base = opened(repo), repo.git("rev-parse", "HEAD")
    repo.git("switch", "--quiet", "--create", "topic")
    tip = repo.commit(None, "a", "1", "Add a\n\nbody")
    repo.git("switch", "--quiet", "main")
    other = repo.commit(None, "b", "1")
    assert found.ahead_behind(tip, other) == (1, 1)
    assert found.merge_base(tip, other) == base
    assert found.is_ancestor(base, tip)
    assert not found.is_ancestor(tip, base)
    assert [(each.oid, each.subject, each.author) for each in found.commits(base, tip)] == [
        (tip, "Add a", "Ada Lovelace <ada@example.org>")
    ]
    assert found.commits(tip, tip) == []
    assert found.ahead_behind_many([(tip, other), (tip, base)]) == {(tip, other): (1, 1), (tip, base): (1, 0)}


def test_many_distances_are_the_same_as_one_by_one(repo: Sandbox) -> None:
    found = opened(repo)
    oids = [repo.commit(None, "n", str(number)) for number in range(12)]
    pairs = [(a, b) for a in oids for b in oids]
    assert len(pairs) > 60
    assert all(value == found.ahead_behind(*pair) for pair, value in list(found.ahead_behind_many(pairs).items())[:20])


def test_identity_is_what_git_would_write(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(repo).identity() == "Ada Lovelace <ada@example.org>"
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Grace")
    assert opened(repo).identity() == "Grace <ada@example.org>"


def test_an_upstream_that_is_gone_is_shown(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("init", "--quiet", "--bare", tmp_path / "origin.git")
    repo.git("remote", "add", "origin", tmp_path / "origin.git")
    repo.git("push", "--quiet", "--set-upstream", "origin", "main")
    head = opened(repo).heads()["main"]
    assert (head.upstream, head.track, head.worktree) == ("refs/remotes/origin/main", "", str(repo.path))
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    assert opened(repo).heads()["main"].track == "[gone]"


def test_a_repository_without_commits_has_a_branch_but_no_commits(tmp_path: Path) -> None:
    git("init", "--quiet", str(tmp_path))
    found = Repo.open(str(tmp_path))
    assert found.current_branch() == "main"
    assert not found.has_commits()
    assert found.heads() == {}
    assert found.resolve("HEAD") is None


def test_a_detached_head_is_no_branch(repo: Sandbox) -> None:
    repo.git("checkout", "--quiet", "--detach")
    assert opened(repo).current_branch() is None
    assert opened(repo).has_commits()


def conflict(repo: Sandbox, *command: str) -> None:
    repo.git("switch", "--quiet", "--create", "topic")
    repo.commit(None, "README.md", "theirs\n")
    repo.git("switch", "--quiet", "main")
    repo.commit(None, "README.md", "ours\n")
    repo.git(*command, check=False)


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("merge", "topic"), "merge"),
        (("cherry-pick", "topic"), "cherry-pick"),
        (("rebase", "topic"), "rebase"),
        (("rebase", "--apply", "topic"), "rebase"),
        (("bisect", "start"), "bisect"),
    ],
)
def test_what_is_under_way_is_named(repo: Sandbox, command: tuple[str, ...], name: str) -> None:
    conflict(repo, *command)
    assert opened(repo).in_progress(str(repo.path)) == name


@pytest.mark.parametrize("how", [(), ("--apply",)])
def test_a_branch_that_is_being_rebased_is_found(repo: Sandbox, how: tuple[str, ...]) -> None:
    conflict(repo, "rebase", *how, "topic")
    assert opened(repo).rebasing("main") == str(repo.path)
    assert opened(repo).rebasing("topic") is None


def test_a_branch_rebased_in_a_linked_worktree_is_found(repo: Sandbox, tmp_path: Path) -> None:
    conflict(repo)
    repo.git("worktree", "add", "--quiet", tmp_path / "w", "topic")
    repo.git("rebase", "main", cwd=tmp_path / "w", check=False)
    assert opened(repo).rebasing("topic") == str(tmp_path / "w")


def test_a_branch_that_is_being_bisected_is_found(repo: Sandbox) -> None:
    repo.git("bisect", "start")
    assert opened(repo).rebasing("main") == str(repo.path)


def test_status_lists_changes_renames_and_untracked_files(repo: Sandbox) -> None:
    repo.git("mv", "README.md", "new name")
    repo.write("docs/guide.md", "changed")
    repo.write("deep/er/file", "")
    repo.write(".env", "")
    seen = {(change.code, change.path) for change in opened(repo).status(str(repo.path))}
    assert seen == {("R ", "new name"), (" M", "docs/guide.md"), ("??", "deep/er/file")}
    assert ("!!", ".env") in {(c.code, c.path) for c in opened(repo).status(str(repo.path), ignored=True)}


def test_tracked_and_ignored_take_names_literally(repo: Sandbox) -> None:
    found, where = opened(repo), str(repo.path)
    repo.write(".env", "")
    assert found.tracked(where, "README.md")
    assert not found.tracked(where, "*.md")
    assert found.ignored(where, [".env", "README.md", "x.log"]) == {".env", "x.log"}
    assert found.ignored(where, []) == set()


def test_stashes_are_listed_by_branch(repo: Sandbox) -> None:
    found = opened(repo)
    repo.git("config", "log.date", "iso")
    repo.write("README.md", "1")
    repo.git("stash", "push", "--quiet", "--message", "later: on other: x")
    repo.git("switch", "--quiet", "--create", "topic")
    repo.write("README.md", "2")
    repo.git("stash", "push", "--quiet")
    assert [entry[:12] for entry in stashes(found.git, "topic")] == ["stash@{0}: W"]
    assert stashes(found.git, "main") == ["stash@{1}: On main: later: on other: x"]


def test_a_current_directory_that_is_gone_does_no_harm(
    repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = opened(repo)
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "main" in found.heads()


def test_a_sha256_repository_is_read(tmp_path: Path) -> None:
    made = Sandbox(tmp_path)
    made.git("init", "--quiet", "--object-format=sha256")
    oid = made.commit(None, "a", "1")
    found = Repo.open(str(tmp_path))
    assert len(oid) == 64
    assert found.branch_oid("main") == oid
    assert found.is_ancestor(oid, made.commit(None, "a", "2"))
