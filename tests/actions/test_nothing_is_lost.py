"""What a removal would take along, and what waits for ever, is kept, named or refused."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.sandbox import Sandbox


def _approved(repo: Sandbox, title: str, file: str = "work.txt") -> Path:
    worktree = Path(repo.agent("spawn", title).out.strip())
    repo.commit(worktree, file, f"{title}\n", title)
    repo.agent("done", cwd=worktree)
    repo.agent("approve", title)
    return worktree


def test_single_ignored_files_are_copied_aside_before_their_worktree_goes(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "*.local\nbuild/\n", "Ignore")
    worktree = _approved(repo, "one")
    repo.write("notes.local", "precious\n", cwd=worktree)
    repo.write("build/made.local", "can be made again\n", cwd=worktree)
    said = repo.agent("merge", "one").out
    kept = repo.store.parent / "kept/1/1"
    assert f"kept under {kept}" in said
    assert [p.name for p in kept.rglob("*")] == ["notes.local"]
    assert (kept / "notes.local").read_text() == "precious\n"
    assert kept.stat().st_mode & 0o077 == 0


@pytest.mark.rest
def test_a_large_ignored_file_is_linked_and_where_it_can_be_neither_linked_nor_copied_it_stays(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "*.local\n", "Ignore")
    worktree = _approved(repo, "one")
    with (worktree / "dump.local").open("wb") as file:
        file.truncate(10 * 1024 * 1024 + 1)
    inode = (worktree / "dump.local").stat().st_ino
    assert f"kept under {repo.store.parent}/kept/1/1" in repo.agent("merge", "one").out
    assert (repo.store.parent / "kept/1/1/dump.local").stat().st_ino == inode
    repo.agent("undo")
    assert (worktree / "dump.local").stat().st_size == 10 * 1024 * 1024 + 1
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as elsewhere:
        if os.stat(elsewhere).st_dev == repo.path.stat().st_dev:
            pytest.skip("one file system only")
        repo.git("worktree", "unlock", worktree, check=False)
        repo.git("config", "agent.worktreeDir", elsewhere)
        where = _approved(repo, "two", "two.txt")
        with (where / "dump.local").open("wb") as file:
            file.truncate(10 * 1024 * 1024 + 1)
        repo.write("small.local", "x\n", cwd=where)
        assert "left: ignored, and too large to back up: dump.local" in repo.agent("merge", "two").out
        assert f"hint: mv {where}/dump.local ELSEWHERE" in repo.agent("rm", "2", "--force", exit=3).err
        (where / "dump.local").unlink()
        repo.agent("rm", "2")
        assert (repo.store.parent / "kept/2/1/small.local").read_text() == "x\n"


def test_a_dry_run_builds_each_merge_on_the_one_before(repo: Sandbox) -> None:
    _approved(repo, "one", "same.txt")
    _approved(repo, "two", "same.txt")
    assert "merges cleanly" in repo.agent("merge", "two", "-n").out
    assert "same.txt" in repo.agent("merge", "one", "two", "-n", exit=4).err
    assert {t["state"] for t in repo.tasks().values()} == {"APPROVED"}


def test_all_goes_on_after_a_conflict_and_exits_4(repo: Sandbox) -> None:
    for title, file in (("one", "same.txt"), ("two", "same.txt"), ("three", "other.txt")):
        _approved(repo, title, file)
    repo.agent("merge", "--all", exit=4)
    states = sorted(t["state"] for t in repo.agent_json("list", "--all")["tasks"])
    assert states == ["COMPLETED", "COMPLETED", "WORKING"]


def test_the_last_commit_of_a_branch_deleted_by_hand_is_not_forgotten(repo: Sandbox) -> None:
    worktree = _approved(repo, "one")
    tip = repo.git("rev-parse", "agent/1-one").strip()
    repo.git("worktree", "unlock", str(worktree))
    repo.git("worktree", "remove", "--force", str(worktree))
    repo.git("branch", "-D", "agent/1-one")
    assert "deleted by hand" in repo.agent("path", "one", exit=1).err
    repo.agent("cancel", "1")
    assert "unmerged" in repo.agent("rm", "1", exit=3).err
    assert "removed" not in repo.agent("rm", "1", "--unmerged").out
    assert repo.git("rev-parse", "refs/git-agent/rescue/1/1").strip() == tip


@pytest.mark.rest
def test_a_worktree_with_a_submodule_goes_unless_the_submodule_has_commits_of_its_own(repo: Sandbox) -> None:
    allowed = ("-c", "protocol.file.allow=always")
    other = repo.path.parent / "other"
    repo.git("clone", "--quiet", str(repo.path), str(other))
    repo.git(*allowed, "submodule", "add", "--quiet", str(other), "sub")
    repo.git("commit", "--quiet", "-m", "Add a submodule")
    for title, own in (("one", False), ("two", True)):
        worktree = Path(repo.agent("spawn", title).out.strip())
        repo.git(*allowed, "submodule", "update", "--quiet", "--init", cwd=worktree)
        if own:
            repo.git("commit", "--quiet", "--allow-empty", "-m", "Own", cwd=worktree / "sub")
            repo.git("add", "sub", cwd=worktree)
        repo.commit(worktree, f"{title}.txt", "x\n", title)
        repo.agent("done", cwd=worktree)
        repo.agent("approve", title)
        said = repo.agent("merge", title).out
        assert ("submodule sub has commits that are on no remote" in said) is own
        assert worktree.exists() is own
    for flags in ([], ["--force", "--unmerged"]):
        refusal = repo.agent("rm", "2", *flags, exit=3).err
        assert "submodule sub has commits" in refusal and "hint: push there; or git worktree remove" in refusal
    repo.git("reset", "--quiet", "--hard", "HEAD~1", cwd=worktree / "sub")
    repo.write("README.md", "changed\n", cwd=worktree / "sub")
    assert "submodule sub has changes" in repo.agent("rm", "2", "--force", "--unmerged", exit=3).err
    assert worktree.exists()


def test_a_repository_inside_a_worktree_is_never_deleted(repo: Sandbox) -> None:
    repo.commit(None, ".gitignore", "build/\n", "Ignore")
    worktree = _approved(repo, "one")
    inside = ("build/deps/ignored", "new/untracked", "empty", "added")
    for name in inside:
        repo.git("init", "--quiet", name, cwd=worktree)
        repo.write(f"{name}/file.txt", "x\n", cwd=worktree)
    for name in ("build/deps/ignored", "new/untracked", "added"):
        repo.commit(worktree / name, "file.txt", "x\n", "Own")
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "added", cwd=worktree)
    bare = ("build/odd", "build/deep/bare.git", "other.git")
    for name in bare:
        repo.git("clone", "--quiet", "--bare", ".", name, cwd=worktree)
    repo.write("build/objects/HEAD", "no repository\n", cwd=worktree)
    (worktree / "build/link").symlink_to(repo.path)
    said = repo.agent("merge", "one").out
    refusal = repo.agent("rm", "1", "--force", "--unmerged", exit=3).err
    for name in inside:
        line = f"a repository of its own: {name}/"
        assert f"left: {line}" in said and line in refusal and (worktree / name / ".git").is_dir()
    for name in bare:
        line = f"a repository of its own: {name}/"
        assert f"left: {line}" in said and line in refusal and (worktree / name / "HEAD").is_file()
    assert refusal.count("of its own") == len(inside + bare) and f"hint: mv '{worktree}/added/' ELSEWHERE" in refusal


def test_changes_that_git_was_told_to_overlook_keep_a_worktree(repo: Sandbox) -> None:
    names = ("assumed", "skipped", "both", "same", "absent")
    for name in names:
        repo.write(f"d {name}\n.txt", "x\n")
    repo.git("add", ".")
    repo.git("commit", "--quiet", "-m", "More")
    worktree = _approved(repo, "one")
    where = {name: f"d {name}\n.txt" for name in names}
    for flag, marked in (("assume-unchanged", "assumed both same"), ("skip-worktree", "skipped both absent")):
        repo.git("update-index", f"--{flag}", *(where[name] for name in marked.split()), cwd=worktree)
    for name in names[:3]:
        repo.write(where[name], "overlooked\n", cwd=worktree)
    os.utime(worktree / where["same"])
    (worktree / where["absent"]).unlink()
    assert repo.agent("merge", "one").out.count("left: ") == 3
    for flag, left in (("assume-unchanged", "assumed both"), ("skip-worktree", "both skipped")):
        said = repo.agent("rm", "1", "--force", "--unmerged", exit=3).err
        assert said.count("changed, but git ignores its changes: ") == len(left.split()) + (flag[0] == "a")
        assert f"update-index --no-{flag} -- " in said
        repo.git("update-index", f"--no-{flag}", *(where[name] for name in left.split()), cwd=worktree)
    assert "uncommitted" in repo.agent("rm", "1", exit=3).err
    said = repo.agent("rm", "1", "--force").out
    kept = said.split("kept under ")[-1].split()[0]
    for name in names[:3]:
        assert repo.git("show", f"{kept}:{where[name]}") == "overlooked"


def _amend(repo: Sandbox, at: Path) -> None:
    oid = repo.commit(at, "kept.txt", "x\n", "Own")
    repo.git("reset", "--quiet", "--hard", f"{oid}~1", cwd=at)


def _stash(repo: Sandbox, at: Path) -> None:
    repo.write("README.md", "stashed\n", cwd=at)
    repo.git("stash", "push", "--quiet", cwd=at)
    repo.git("reflog", "expire", "--expire=all", "HEAD", cwd=at)  # the stash alone names it


def _overlooked(flag: str, repo: Sandbox, at: Path) -> None:
    repo.git("update-index", flag, "README.md", cwd=at)
    repo.write("README.md", "overlooked\n", cwd=at)


def _detached(repo: Sandbox, at: Path) -> None:
    repo.git("switch", "--quiet", "--detach", cwd=at)
    repo.commit(at, "own.txt", "x\n", "Own")
    repo.git("reflog", "expire", "--expire=all", "--all", cwd=at)


def _noted(repo: Sandbox, at: Path) -> None:
    repo.git("notes", "add", "-m", "mine", "HEAD", cwd=at)


def _branched(repo: Sandbox, at: Path) -> None:
    oid = repo.git("commit-tree", "-m", "own", "HEAD^{tree}", cwd=at)
    repo.git("update-ref", "refs/heads/aside", oid, cwd=at)


def _tagged(repo: Sandbox, at: Path) -> None:
    oid = repo.git("commit-tree", "-m", "own", "HEAD^{tree}", cwd=at)
    repo.git("tag", "mine", oid, cwd=at)  # no reflog has it


def _tag_packed(repo: Sandbox, at: Path, *, log: bool) -> None:
    repo.commit(at, "own.txt", "x\n", "Own")
    repo.git("tag", "mine", cwd=at)
    repo.git("pack-refs", "--all", cwd=at)
    repo.git("reset", "--quiet", "--hard", "HEAD~1", cwd=at)
    if not log:
        repo.git("reflog", "expire", "--expire=all", "--all", cwd=at)


def _remote(url: str, repo: Sandbox, at: Path) -> None:
    repo.git("remote", "set-url", "origin", url, cwd=at)


def _cloned_inside(repo: Sandbox, at: Path) -> None:
    repo.git("clone", "--quiet", ".", "build/inner", cwd=at)
    repo.git("remote", "set-url", "origin", AWAY, cwd=at / "build/inner")
    repo.commit(at / "build/inner", "own.txt", "x\n", "Own")


def _inner_of_beside(repo: Sandbox, at: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", "../beside.git", cwd=at)
    repo.git("clone", "--quiet", "../beside.git", "build/inner", cwd=at)


def _elsewhere(repo: Sandbox, at: Path) -> None:
    shutil.copytree(at, at.parent / "copy", ignore=shutil.ignore_patterns(".git"))
    repo.git("config", "core.worktree", at.parent / "copy", cwd=at)
    repo.write("README.md", "changed\n", cwd=at)


def _pushed_beside(repo: Sandbox, at: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", "../beside.git", cwd=at)
    repo.git("remote", "set-url", "origin", "file://" + str(at.parent / "beside.git"), cwd=at)


AWAY = "https://forge.example/x.git"
OWN: dict[str, Callable[[Sandbox, Path], object]] = {
    "changed": lambda repo, at: repo.write("README.md", "changed\n", cwd=at),
    "staged": lambda repo, at: repo.git("rm", "--quiet", "--cached", "README.md", cwd=at),
    "untracked": lambda repo, at: (
        repo.git("config", "status.showUntrackedFiles", "no", cwd=at),
        repo.write("new.txt", "x\n", cwd=at),
    ),
    "assumed-unchanged": partial(_overlooked, "--assume-unchanged"),
    "skipped": partial(_overlooked, "--skip-worktree"),
    "stash": _stash,
    "commit": lambda repo, at: repo.commit(at, "own.txt", "x\n", "Own"),
    "branch": _branched,
    "detached": _detached,
    "note": _noted,
    "tag": _tagged,
    "tag-packed": partial(_tag_packed, log=True),
    "tag-without-log": partial(_tag_packed, log=False),
    "reset-away": _amend,
    "rebase": lambda repo, at: repo.run("git", "rebase", "--exec", "false", "HEAD~1", cwd=at),
    "bisect": lambda repo, at: repo.git("bisect", "start", cwd=at),
    "worktree": lambda repo, at: repo.git("worktree", "add", "--quiet", "--detach", "../beside", cwd=at),
    "submodule": lambda repo, at: repo.git("init", "--quiet", "--bare", ".git/modules/sub", cwd=at),
    "inner": _cloned_inside,
    "inner-of-beside": _inner_of_beside,
    "remote-beside": _pushed_beside,
    "lost-remote": lambda repo, at: repo.git("remote", "set-url", "origin", repo.path / "nowhere", cwd=at),
    "remote-here": partial(_remote, "../../../../../forge.git"),
    "remote-localhost": partial(_remote, "ssh://localhost:22/forge.git"),
    "remote-helper": partial(_remote, "ext::sh -c true"),
    "no-remote": lambda repo, at: repo.git("config", "--remove-section", "remote.origin", cwd=at),
    "elsewhere": _elsewhere,
    "broken": lambda repo, at: (at / ".git/HEAD").write_text("nothing\n"),
    "git-file": lambda repo, at: (
        (at / ".git").rename(at.parent / "git-dir"),
        repo.write(".git", "gitdir: ../git-dir\n", cwd=at),
    ),
    "git-link": lambda repo, at: (
        (at / ".git").rename(at.parent / "linked"),
        (at / ".git").symlink_to(at.parent / "linked"),
    ),
}


@pytest.mark.rest
def test_a_clone_that_a_build_fetched_goes_and_one_with_anything_of_its_own_stays(
    repo: Sandbox, tmp_path: Path
) -> None:
    repo.commit(None, ".gitignore", "build/\n", "Ignore")
    repo.commit(None, "README.md", "more\n", "More")
    forge = tmp_path / "forge.git"
    repo.git("clone", "--quiet", "--bare", ".", forge)
    for name in ("v1", "v2"):  # on no branch
        oid = repo.git("commit-tree", "-p", "HEAD", "-m", name, "HEAD^{tree}", cwd=forge)
        repo.git("tag", name, oid, cwd=forge)
    worktree = _approved(repo, "one")
    deps = worktree / "build/_deps"

    def fetch(name: str, *how: str) -> Path:
        at = deps / name / "src"
        repo.git("clone", "--quiet", *how, f"file://{forge}", at)
        _remote(AWAY if len(name) % 2 else "git@forge.example:x.git", repo, at)
        return at

    for name, make in OWN.items():
        make(repo, fetch(name))
    clean = fetch("clean")
    repo.write("build/out.o", "ignored there\n", cwd=clean)
    repo.git("switch", "--quiet", "--detach", "HEAD~1", cwd=clean)
    shutil.copytree(fetch("plain"), clean / "build/inner")
    fetch("shallow", "--depth=1", "--branch=v1")
    repo.git("checkout", "--quiet", "v2", cwd=fetch("tag-of-theirs", "--no-checkout"))
    repo.git("fetch", "--quiet", forge, "v1", cwd=fetch("fetched", "--no-tags"))
    repo.git("clone", "--quiet", forge, worktree / "new")  # not ignored
    said = repo.agent("merge", "one").out
    kept = {line.partition("own: ")[2] for line in said.splitlines() if "a repository of its own: " in line}
    # The linked worktree that was made beside is nobody's clone, either, nor are bare repositories.
    beside = ("worktree/beside", "git-link/linked", "git-file/git-dir", "inner-of-beside/beside.git")
    beside += ("remote-beside/beside.git",)
    assert kept == {"new/", *(f"build/_deps/{name}/" for name in (*beside, *(f"{own}/src" for own in OWN)))}
    assert (deps / "commit/src/own.txt").exists()
    for name in OWN:
        shutil.rmtree(deps / name)
    shutil.rmtree(worktree / "new")
    assert "removed" in repo.agent("rm", "one").out and not worktree.exists()


@pytest.mark.parametrize(("verb", "way_out"), [(["cancel", "a"], "reopen"), (["fail", "a", "-m", "no"], "retry")])
def test_a_task_that_waits_for_ever_needs_a_person(repo: Sandbox, verb: list[str], way_out: str) -> None:
    repo.agent("spawn", "a")
    repo.agent("add", "b", "--after", "a")
    repo.agent(*verb)
    needs = repo.agent_json("status")["needs_you"]
    assert (2, f"git agent {way_out} 1") in [(n["task"], n["command"]) for n in needs]


def test_a_base_that_is_gone_is_named_and_can_be_changed(repo: Sandbox) -> None:
    _approved(repo, "one")
    repo.git("switch", "--quiet", "--create", "trunk")
    repo.git("branch", "-D", "main")
    assert "its base 'main' is gone: git agent edit 1 --base BRANCH" in repo.agent("show", "one").out
    repo.agent("edit", "one", "--base", "trunk")
    assert repo.agent_json("merge", "one")["task"]["state"] == "COMPLETED"


def test_an_endless_body_is_refused_at_once(repo: Sandbox) -> None:
    assert "at most 65536" in repo.agent("add", "x", "-F", "-", stdin="y\n" * 200_000, exit=2).err
