"""git/refs: compare-and-swap."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from git_agent.errors import AgentError, Exit
from git_agent.git import refs
from git_agent.git.repo import Repo
from git_agent.git.run import GitError
from tests.sandbox import Sandbox


def test_a_ref_moves_only_from_its_expected_value(repo: Sandbox) -> None:
    found = Repo.open(str(repo.path))
    new, old = repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "HEAD~1")
    refs.create_ref(found, "refs/heads/x", old, "made")
    with pytest.raises(refs.RefMoved):
        refs.create_ref(found, "refs/heads/x", old, "again")
    with pytest.raises(refs.RefMoved):
        refs.update_ref(found, "refs/heads/x", new, new, "wrong")
    refs.update_ref(found, "refs/heads/x", new, old, "right")
    assert found.branch_oid("x") == new
    with pytest.raises(refs.RefMoved):
        refs.delete_ref(found, "refs/heads/x", old)
    refs.delete_ref(found, "refs/heads/x", new)
    assert found.branch_oid("x") is None
    with pytest.raises(refs.RefMoved, match="does not exist"):
        refs.delete_ref(found, "refs/heads/x", new)
    with pytest.raises(refs.RefMoved, match="does not exist"):
        refs.update_ref(found, "refs/heads/x", new, old, "gone")


def test_an_error_that_is_no_move_stays_gits(repo: Sandbox) -> None:
    found = Repo.open(str(repo.path))
    with pytest.raises(GitError):
        refs.create_ref(found, "refs/heads/main/sub", repo.git("rev-parse", "HEAD"), "d/f")


@pytest.mark.parametrize(
    ("new", "held"),
    [
        ("a", "a"),
        ("a/b", "a"),
        ("a", "a/b"),
        ("A", "a"),
        ("Stra\u00dfe", "strasse"),
        ("e\u0301", "\u00e9"),
        ("A/b", "a"),
    ],
)
def test_names_that_cant_stand_side_by_side_clash(new: str, held: str) -> None:
    assert refs.clashing_branch(new, ["other", held]) == held


@pytest.mark.parametrize(("new", "held"), [("a-b", "a"), ("ab", "a"), ("a/b", "a/c"), ("a", "b/a")])
def test_other_names_do_not_clash(new: str, held: str) -> None:
    assert refs.clashing_branch(new, [held]) is None


def test_what_is_kept_is_numbered_and_not_kept_twice(repo: Sandbox) -> None:
    found = Repo.open(str(repo.path))
    one, two = repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "HEAD~1")
    assert refs.keep_rescue(found, 7, one) == refs.keep_rescue(found, 7, one) == "refs/git-agent/rescue/7/1"
    assert refs.keep_rescue(found, 7, two) == "refs/git-agent/rescue/7/2"
    assert refs.keep_rescue(found, 7, one) == "refs/git-agent/rescue/7/3"
    assert refs.keep_rescue(found, 70, one) == "refs/git-agent/rescue/70/1"


def test_keeping_at_once_loses_nothing(repo: Sandbox) -> None:
    found = Repo.open(str(repo.path))
    oids = [repo.commit(None, "n", str(number)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda oid: refs.keep_rescue(found, 1, oid), oids))
    assert {found.refs(refs.RESCUE)[ref] for ref in made} == set(oids)


def test_a_branch_is_made_with_the_users_name_in_its_reflog(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Grace")  # libgit2 doesn't look at it
    found, oid = Repo.open(str(repo.path)), repo.git("rev-parse", "HEAD")
    refs.create_branch(found, "agent/7-x", oid)
    assert found.branch_oid("agent/7-x") == oid
    log = (repo.path / ".git" / "logs" / "refs" / "heads" / "agent" / "7-x").read_text()
    assert "Grace <ada@example.org>" in log
    assert log.endswith("\tbranch: Created by git agent\n")


def test_a_branch_that_is_in_the_way_is_named(repo: Sandbox) -> None:
    found, oid = Repo.open(str(repo.path)), repo.git("rev-parse", "HEAD")
    refs.create_branch(found, "a", oid)
    with pytest.raises(refs.RefMoved):
        refs.create_branch(found, "a", oid)
    for name in ("a/b", "A"):
        with pytest.raises(AgentError, match="coexist with branch a") as caught:
            refs.create_branch(found, name, oid)
        assert caught.value.exit == Exit.REFUSED


@pytest.mark.parametrize("name", ["-x", "a..b", "a b", "x.lock", "", "HEAD", "@{", "a\nb"])
def test_what_is_no_branch_name_is_refused(repo: Sandbox, name: str) -> None:
    with pytest.raises(AgentError) as caught:
        refs.create_branch(Repo.open(str(repo.path)), name, repo.git("rev-parse", "HEAD"))
    assert caught.value.exit == Exit.USAGE


def test_a_branch_is_made_where_pygit2_cant_open_the_repository(tmp_path: Path) -> None:
    made = Sandbox(tmp_path)
    made.git("init", "--quiet", "--object-format=sha256")
    oid = made.commit(None, "a", "1")
    refs.create_branch(Repo.open(str(tmp_path)), "b", oid)
    assert made.git("rev-parse", "b") == oid


def test_a_branch_is_seen_by_the_users_reference_transaction_hook(repo: Sandbox) -> None:
    log = repo.path / "moved.log"
    hook = repo.write(".git/hooks/reference-transaction", f'#!/bin/sh\n[ "$1" = committed ] && cat >>"{log}"\nexit 0\n')
    hook.chmod(0o755)
    refs.create_branch(Repo.open(str(repo.path)), "agent/1-x", repo.git("rev-parse", "HEAD"))
    assert "refs/heads/agent/1-x" in log.read_text()
    hook.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(AgentError):
        refs.create_branch(Repo.open(str(repo.path)), "agent/2-x", repo.git("rev-parse", "HEAD"))
