"""git/worktrees: made whole or not at all, also by many at once, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_agent.errors import AgentError, Exit
from git_agent.git import locks, refs
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo
from git_agent.git.run import GitError
from git_agent.git.worktrees import checkout, registry
from git_agent.git.worktrees.add import add_worktree
from git_agent.git.worktrees.occupied import processes_inside
from git_agent.git.worktrees.registry import Registration
from git_agent.git.worktrees.remove import discard_worktree, remove_worktree
from git_agent.git.worktrees.trash import delete_trash
from tests.sandbox import Sandbox, run_at_once


def opened(sandbox: Sandbox) -> Repo:
    return Repo.open(str(sandbox.path))


def made(sandbox: Sandbox, path: Path, task: int = 7, branch: str = "agent/7-x") -> str:
    repo, oid = opened(sandbox), sandbox.git("rev-parse", "HEAD")
    if repo.branch_oid(branch) is None:
        sandbox.git("branch", "--no-track", branch, oid)
    return add_worktree(repo, task=task, branch=branch, path=str(path), oid=oid)


def at(sandbox: Sandbox, path: Path) -> Registration:
    found = registry.registration_at(opened(sandbox), str(path))
    assert found is not None
    return found


def leftovers(sandbox: Sandbox, path: Path) -> list[str]:
    """List what a worktree that was taken away has left: nothing, when all went well."""
    admin = sandbox.path / ".git" / "worktrees"
    # Directories that are empty are all that a kill may leave: git takes no notice of them, and prunes them.
    files = (each for each in admin.rglob("*") if not each.is_dir() or each.is_symlink())
    found = [*([path] if os.path.lexists(path) else []), *path.parent.glob(".trash-*"), *files]
    return [str(each) for each in found] + [str(each.path) for each in registry.checkouts(opened(sandbox))[1:]]


def removed(found: Repo, path: str, *, force: bool = False, branch: str = "agent/7-x") -> None:
    remove_worktree(found, path, task=7, head=found.branch_oid(branch), force=force)


def test_a_worktree_is_made_clean_and_locked_for_its_task(repo: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "7-x"
    assert made(repo, path) == "7-x"
    found = registry.checkouts(opened(repo))[1]
    assert (found.path, found.branch, found.locked) == (str(path), "agent/7-x", "git-agent: task 7")
    assert opened(repo).status(str(path)) == []
    assert (path / "src" / "app.py").read_bytes() == (repo.path / "src" / "app.py").read_bytes()
    assert (found.admin, found.half_made, found.task) == ("7-x", False, 7)
    assert found.oid == repo.git("rev-parse", "HEAD")
    same = found._replace(oid=None)  # files name the branch only
    assert registry.registration_at(opened(repo), str(path)) == same
    assert registry.registration(opened(repo), "7-x") == same and registry.registrations(opened(repo)) == [same]


def test_pygit2_and_git_make_the_same_worktree(repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygit2")  # it must be loaded already
    repo.commit(None, ".gitattributes", "*.txt text eol=crlf\n")
    repo.commit(None, "a.txt", "one\ntwo\n")
    found, oid = opened(repo), repo.git("rev-parse", "HEAD")
    assert checkout.suits_pygit2(found, oid, checkout.settings(found))
    made(repo, tmp_path / "a" / "wt", branch="a")
    monkeypatch.setattr(checkout, "_SMALL", 0)
    assert not checkout.suits_pygit2(found, oid, checkout.settings(found))
    made(repo, tmp_path / "b" / "wt", branch="b")
    a, b = (
        {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}
        for root in (tmp_path / "a" / "wt", tmp_path / "b" / "wt")
    )
    a.pop(Path(".git"))
    b.pop(Path(".git"))
    assert a == b
    assert a[Path("a.txt")] == b"one\r\ntwo\r\n"
    for name in ("wt", "wt1"):
        admin = repo.path / ".git" / "worktrees" / name
        assert (admin / "locked").read_text().strip() == "git-agent: task 7"
    assert found.status(str(tmp_path / "a" / "wt")) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("core.hooksPath", "/x"),
        ("core.autocrlf", "true"),
        ("core.sparseCheckout", "true"),
        ("remote.origin.promisor", "true"),
        ("hook.mine.event", "post-checkout"),
        ("core.attributesFile", "/x"),
    ],
)
def test_pygit2_is_left_out_where_it_differs(repo: Sandbox, key: str, value: str) -> None:
    found, oid = opened(repo), repo.git("rev-parse", "HEAD")
    pytest.importorskip("pygit2")  # it must be loaded already
    assert checkout.suits_pygit2(found, oid, checkout.settings(found))
    repo.git("config", key, value)
    assert not checkout.suits_pygit2(found, oid, checkout.settings(found))


def test_a_filter_attribute_leaves_pygit2_out(repo: Sandbox) -> None:
    pytest.importorskip("pygit2")  # it must be loaded already
    oid = repo.commit(None, "deep/.gitattributes", "*.bin filter=lfs\n")
    assert not checkout.suits_pygit2(opened(repo), oid, {})


@pytest.mark.parametrize("kind", ["file", "full", "symlink", "dangling"])
def test_a_target_that_is_taken_is_refused_and_untouched(repo: Sandbox, tmp_path: Path, kind: str) -> None:
    path, other = tmp_path / "t", tmp_path / "other"
    other.mkdir()
    if kind == "file":
        path.write_text("x")
    elif kind == "full":
        path.mkdir()
        (path / "mine").write_text("x")
    else:
        path.symlink_to(other if kind == "symlink" else tmp_path / "nowhere")
    with pytest.raises(AgentError) as caught:
        made(repo, path)
    assert (caught.value.code, caught.value.exit) == ("target-exists", Exit.REFUSED)
    assert os.path.lexists(path)
    assert list(other.iterdir()) == []
    assert len(registry.checkouts(opened(repo))) == 1


def test_an_empty_directory_is_used_and_given_back(repo: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "t"
    path.mkdir()
    hook(repo, "post-checkout", "exit 1")
    with pytest.raises(AgentError):
        made(repo, path)
    assert list(path.iterdir()) == []
    (repo.path / ".git" / "hooks" / "post-checkout").unlink()
    assert made(repo, path) == "t"


def test_a_branch_that_is_checked_out_is_refused(repo: Sandbox, tmp_path: Path) -> None:
    for branch, code in (("main", "branch-taken"), ("none", "no-branch"), ("-foo", "bad-branch")):
        with pytest.raises(AgentError) as caught:
            add_worktree(
                opened(repo), task=1, branch=branch, path=str(tmp_path / "w"), oid=repo.git("rev-parse", "HEAD")
            )
        assert caught.value.code == code
    assert leftovers(repo, tmp_path / "w") == []


def hook(sandbox: Sandbox, name: str, body: str, directory: Path | None = None) -> None:
    path = sandbox.write((directory or sandbox.path / ".git" / "hooks") / name, f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_a_failing_post_checkout_hook_takes_everything_back_but_the_branch(repo: Sandbox, tmp_path: Path) -> None:
    hook(repo, "post-checkout", "echo no thanks >&2; touch left-behind; exit 3")
    path = tmp_path / "new" / "w"
    with pytest.raises(AgentError) as caught:
        made(repo, path)
    assert caught.value.code == "hook-refused"
    assert caught.value.details == ("no thanks",)
    assert leftovers(repo, path) == []
    assert not path.parent.exists()
    assert opened(repo).branch_oid("agent/7-x")


@pytest.mark.parametrize("relative", [False, True])
def test_the_post_checkout_hook_runs_as_git_runs_it(repo: Sandbox, tmp_path: Path, relative: bool) -> None:
    body = 'printf "%s|%s|%s|%s" "$*" "$PWD" "$GIT_DIR" "$GIT_WORK_TREE" > "$HOME/said"'
    if relative:
        hook(repo, "post-checkout", body, repo.path / "hooks")
        repo.git("add", "hooks")
        repo.git("commit", "--quiet", "--message", "hooks")
        repo.git("config", "core.hooksPath", "hooks")
    else:
        hook(repo, "post-checkout", body)
    said = Path(os.environ["HOME"]) / "said"
    repo.git("worktree", "add", "--quiet", tmp_path / "git", "-b", "by-git")
    by_git = said.read_text()
    said.unlink()
    made(repo, tmp_path / "w")
    assert said.read_text() == by_git.replace(str(tmp_path / "git"), str(tmp_path / "w"))
    said.unlink()


def test_a_failing_filter_passes_gits_error_on_and_leaves_nothing(repo: Sandbox, tmp_path: Path) -> None:
    repo.commit(None, ".gitattributes", "*.bin filter=big\n")
    repo.commit(None, "a.bin", "pointer\n")
    repo.git("config", "filter.big.smudge", "no-such-program")
    repo.git("config", "filter.big.required", "true")
    with pytest.raises(GitError) as caught:
        made(repo, tmp_path / "w")
    assert "fatal: a.bin: smudge filter big failed" in caught.value.details
    assert leftovers(repo, tmp_path / "w") == []


def test_a_slow_filter_does_not_hold_others_up(repo: Sandbox, tmp_path: Path) -> None:
    repo.commit(None, ".gitattributes", "*.bin filter=slow\n")
    repo.commit(None, "a.bin", "pointer\n")
    # Each filter waits until all four are running, which never happens if one checkout excludes the others.
    all_in = f"set -- '{tmp_path}'/in-*; [ $# -ge 4 ] && exec cat"
    wait = f"touch '{tmp_path}'/in-$$; for i in $(seq 300); do {all_in}; sleep 0.1; done; exit 1"
    repo.git("config", "filter.slow.smudge", wait)
    repo.git("config", "filter.slow.required", "true")
    done = run_at_once([adding(repo, tmp_path, number) for number in range(4)], env=source())
    assert [each.code for each in done] == [0] * 4, done


def test_a_sparse_checkout_is_inherited(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("sparse-checkout", "set", "docs")
    made(repo, tmp_path / "w")
    assert (tmp_path / "w" / "docs").exists()
    assert not (tmp_path / "w" / "src").exists()
    assert opened(repo).status(str(tmp_path / "w")) == []


def test_a_repository_with_a_submodule_gets_an_empty_directory(repo: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "--quiet")
    other.commit(None, "a", "1")
    if not (Path(repo.git("--exec-path")) / "git-submodule").exists():
        pytest.skip("this git comes without git submodule")
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", other.path, "sub")
    repo.git("commit", "--quiet", "--message", "sub")
    made(repo, tmp_path / "w")
    assert list((tmp_path / "w" / "sub").iterdir()) == []
    removed(opened(repo), str(tmp_path / "w"))
    assert leftovers(repo, tmp_path / "w") == []


def test_a_caller_inside_a_hook_changes_nothing(repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repo.path)
    oid = repo.git("rev-parse", "HEAD")
    repo.git("branch", "b")
    before = (repo.path / ".git" / "index").read_bytes()
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    add_worktree(Repo.open(), task=1, branch="b", path=str(tmp_path / "w"), oid=oid)
    assert (repo.path / ".git" / "index").read_bytes() == before
    assert (tmp_path / "w" / "README.md").exists()


ADD = """
import sys
from git_agent.git import refs
from git_agent.git.worktrees.add import add_worktree
from git_agent.git.repo import Repo
where, number, path, oid = sys.argv[1:]
repo = Repo.open(where)
if repo.branch_oid("b" + number) is None:
    refs.create_ref(repo, "refs/heads/b" + number, oid, "test")
print(add_worktree(repo, task=int(number), branch="b" + number, path=path, oid=oid))
"""


def adding(sandbox: Sandbox, root: Path, number: int, path: Path | None = None) -> list[str]:
    place = str(path or root / f"w{number}")
    return [sys.executable, "-c", ADD, str(sandbox.path), str(number), place, sandbox.git("rev-parse", "HEAD")]


def test_twelve_at_once_all_succeed(repo: Sandbox, tmp_path: Path) -> None:
    done = run_at_once([adding(repo, tmp_path, number) for number in range(12)], env=source())
    assert [each.code for each in done] == [0] * 12, [each.err for each in done if each.code]
    found = {each.branch: each.locked for each in registry.checkouts(opened(repo))[1:]}
    assert found == {f"b{number}": f"git-agent: task {number}" for number in range(12)}


def test_of_two_for_one_path_one_wins(repo: Sandbox, tmp_path: Path) -> None:
    done = run_at_once([adding(repo, tmp_path, number, tmp_path / "one") for number in range(4)], env=source())
    assert sorted(each.code for each in done) == [0, 1, 1, 1]
    assert sum("target-exists" in each.err or "registered" in each.err or "not empty" in each.err for each in done) == 3
    assert len(registry.checkouts(opened(repo))) == 2
    assert opened(repo).status(str(tmp_path / "one")) == []


def source() -> dict[str, str | None]:
    return {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.mark.parametrize("delay", [0.06, 0.09, 0.12, 0.15, 0.2, 0.3])
def test_a_killed_add_is_taken_back_and_done_again(repo: Sandbox, tmp_path: Path, delay: float) -> None:
    for number in range(600):
        repo.write(f"many/{number}", "x\n" * 50)
    repo.git("add", "--all")
    repo.git("commit", "--quiet", "--message", "many")
    repo.git("branch", "b7")  # killed while it makes the branch, git would leave a lock that is not ours to remove
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = subprocess.Popen(adding(repo, tmp_path, 7), env=env, start_new_session=True, stdout=subprocess.DEVNULL)
    time.sleep(delay)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    time.sleep(0.2)  # a killed git may still finish the system call that it is in
    found, path = opened(repo), tmp_path / "w7"
    seen = registry.registration_at(found, str(path))
    if seen is not None and not seen.half_made:
        removed(found, str(path), branch="b7")
    else:
        discard_worktree(found, str(path), task=7)
    assert leftovers(repo, path) == []
    made(repo, path, branch="b7")
    assert found.status(str(path)) == []


@pytest.mark.parametrize(
    "damage",
    ["initializing", "index.lock", "no index", "no gitdir", "empty gitdir", "empty lock", "empty", "no .git", "twice"],
)
def test_what_a_kill_leaves_is_half_and_discarded(repo: Sandbox, tmp_path: Path, damage: str) -> None:
    path, found = tmp_path / "w7", opened(repo)
    name = made(repo, path)
    admin = repo.path / ".git" / "worktrees" / name
    if damage == "initializing":
        (admin / "locked").write_text("initializing")
    elif damage in ("index.lock", "no index"):
        (admin / "index").unlink()
        if damage == "index.lock":
            (admin / "index.lock").touch()
    elif damage == "no gitdir":
        (admin / "gitdir").unlink()
        (admin / "index").unlink()
    elif damage in ("empty gitdir", "empty lock"):
        subprocess.run(["rm", "-r", path], check=True)
        for gone in ("HEAD", "index", "gitdir"):
            (admin / gone).unlink()
        (admin / ("gitdir" if damage == "empty gitdir" else "locked")).write_text("")
    elif damage in ("empty", "no .git"):
        for each in sorted(path.rglob("*"), reverse=True):
            each.rmdir() if each.is_dir() else each.unlink()
        if damage == "empty":
            path.rmdir()
    else:
        subprocess.run(["cp", "-a", admin, admin.with_name("w71")], check=True)
    assert at(repo, path).half_made
    discard_worktree(found, str(path), task=7)
    assert leftovers(repo, path) == []
    discard_worktree(found, str(path), task=7)


def test_discard_leaves_alone_what_is_not_ours(repo: Sandbox, tmp_path: Path) -> None:
    found = opened(repo)
    repo.git("worktree", "add", "--quiet", "--lock", "--reason", "mine", tmp_path / "theirs", "-b", "theirs")
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    repo.git("clone", "--quiet", "--bare", ".", tmp_path / "bare.git")
    for place in (
        tmp_path / "theirs",
        tmp_path / "plain",
        tmp_path / "link",
        tmp_path / "bare.git",
        repo.path,
        tmp_path,
    ):
        with pytest.raises(AgentError) as caught:
            discard_worktree(found, str(place), task=7)
        assert caught.value.exit == Exit.REFUSED
    assert (tmp_path / "plain" / "file").exists()
    assert (tmp_path / "theirs" / "README.md").exists()
    assert (repo.path / "README.md").exists()


def test_another_tasks_worktree_is_not_ours(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w", task=8)
    with pytest.raises(AgentError, match="task 8"):
        discard_worktree(opened(repo), str(tmp_path / "w"), task=7)
    with pytest.raises(AgentError, match="task 8"):
        removed(opened(repo), str(tmp_path / "w"))
    assert (tmp_path / "w" / "README.md").exists()


def test_discard_keeps_a_finished_worktree_with_work_in_it(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w")
    (tmp_path / "w" / "work").write_text("precious")
    with pytest.raises(AgentError) as caught:
        discard_worktree(opened(repo), str(tmp_path / "w"), task=7)
    assert caught.value.code == "worktree-dirty"
    assert (tmp_path / "w" / "work").read_text() == "precious"


def test_a_dirty_worktree_is_removed_only_by_force(repo: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "w"
    made(repo, path)
    (path / "new").touch()
    (path / "README.md").write_text("changed")
    with pytest.raises(AgentError) as caught:
        removed(opened(repo), str(path))
    assert caught.value.exit == Exit.REFUSED
    assert set(caught.value.details) == {" M README.md", "?? new"}
    removed(opened(repo), str(path), force=True)
    assert leftovers(repo, path) == []
    assert opened(repo).branch_oid("agent/7-x")


def test_a_clean_worktree_is_removed_with_its_ignored_files(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w")
    (tmp_path / "w" / ".env").write_text("x")
    removed(opened(repo), str(tmp_path / "w"))
    assert leftovers(repo, tmp_path / "w") == []


def test_a_change_made_at_the_last_moment_stops_the_removal(
    repo: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from git_agent.git.worktrees import remove

    path = tmp_path / "w"
    made(repo, path)

    def late(found: Repo, real: str, admin: str) -> None:
        Path(real, "late").write_text("precious")

    monkeypatch.setattr(remove, "_refuse_early", late)
    with pytest.raises(AgentError) as caught:
        removed(opened(repo), str(path))
    assert caught.value.details == ("?? late",)
    assert (path / "late").read_text() == "precious"
    assert at(repo, path).path == str(path)
    assert list(tmp_path.glob(".trash-*")) == []


def test_a_commit_made_at_the_last_moment_stops_the_removal_even_with_force(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w")
    found, kept = opened(repo), repo.git("rev-parse", "agent/7-x")
    late = repo.commit(tmp_path / "w", "late.py", "1\n")
    with pytest.raises(AgentError) as caught:
        remove_worktree(found, str(tmp_path / "w"), task=7, head=kept, force=True)
    assert caught.value.code == "worktree-moved" and repo.git("rev-parse", "HEAD", cwd=tmp_path / "w") == late
    remove_worktree(found, str(tmp_path / "w"), task=7, head=late, force=True)
    assert leftovers(repo, tmp_path / "w") == []


def test_a_worktree_deleted_by_hand_is_forgotten(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w")
    subprocess.run(["rm", "-r", tmp_path / "w"], check=True)
    assert at(repo, tmp_path / "w").half_made
    removed(opened(repo), str(tmp_path / "w"))
    removed(opened(repo), str(tmp_path / "w"))
    assert leftovers(repo, tmp_path / "w") == []


def test_what_a_killed_removal_left_is_swept_up(repo: Sandbox, tmp_path: Path) -> None:
    found = opened(repo)
    trash, mine = tmp_path / ".trash-1", tmp_path / "mine"
    for each in (trash, mine):
        each.mkdir()
        (each / "file").touch()
    Path(locks.private_dir(found, "trash"), "1-a").write_text(str(trash))
    Path(locks.private_dir(found, "trash"), "1-b").write_text(str(mine))
    delete_trash(found)
    assert not trash.exists()
    assert (mine / "file").exists()


def test_a_relative_worktree_is_found_and_removed(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w")
    admin = repo.path / ".git" / "worktrees" / "w"
    (admin / "gitdir").write_text(os.path.relpath(tmp_path / "w" / ".git", admin) + "\n")
    (tmp_path / "w" / ".git").write_text("gitdir: " + os.path.relpath(admin, tmp_path / "w") + "\n")
    assert at(repo, tmp_path / "w").branch == "agent/7-x"
    removed(opened(repo), str(tmp_path / "w"))
    assert leftovers(repo, tmp_path / "w") == []


def test_a_path_with_everything_in_it_works(repo: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"a 'b\" \xff\n-x")
    made(repo, path)
    assert opened(repo).status(str(path)) == []
    removed(opened(repo), str(path))
    assert leftovers(repo, path) == []


def test_a_bare_repository_gets_worktrees_too(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", ".", tmp_path / "p.git")
    bare = Sandbox(tmp_path / "p.git")
    made(bare, tmp_path / "w")
    assert [each.admin for each in registry.checkouts(opened(bare))] == ["w"]
    assert opened(bare).status(str(tmp_path / "w")) == []
    removed(opened(bare), str(tmp_path / "w"))


def test_a_sha256_repository_gets_worktrees_too(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "r")
    sandbox.path.mkdir()
    sandbox.git("init", "--quiet", "--object-format=sha256")
    sandbox.commit(None, "a", "1")
    hook(sandbox, "post-checkout", f'test "$1" = {"0" * 64}')
    made(sandbox, tmp_path / "w")
    assert (tmp_path / "w" / "a").read_text() == "1"


def test_lock_and_unlock_keep_the_reason(repo: Sandbox, tmp_path: Path) -> None:
    made(repo, tmp_path / "w")
    registry.unlock_worktree(opened(repo), str(tmp_path / "w"))
    registry.unlock_worktree(opened(repo), str(tmp_path / "w"))
    assert registry.checkouts(opened(repo))[1].locked is None
    registry.lock_worktree(opened(repo), str(tmp_path / "w"), "why not")
    assert registry.checkouts(opened(repo))[1].locked == "why not"


def test_who_waits_too_long_for_the_lock_is_told_the_pid(repo: Sandbox) -> None:
    found = opened(repo)
    with creation_lock(found), pytest.raises(AgentError) as caught, creation_lock(found, 0.1):
        pass
    assert (caught.value.code, caught.value.exit) == ("busy", Exit.BUSY)
    assert str(os.getpid()) in caught.value.message
    lock = repo.path / ".git" / "git-agent" / "worktree.lock"
    assert (lock.stat().st_mode & 0o777, lock.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_nobody_is_named_for_the_lock_whose_pid_means_another_process_here(repo: Sandbox) -> None:
    found, lock = opened(repo), repo.path / ".git/git-agent/worktree.lock"
    for written in (f"{os.getpid()} pid:[1]", "", f"999999999 {os.readlink('/proc/self/ns/pid')}"):
        with creation_lock(found):
            lock.write_text(written)
            with pytest.raises(AgentError, match="another process is creating a worktree"), creation_lock(found, 0.1):
                pass
        assert lock.read_text() == ""  # nobody names us any more


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="no /proc")
def test_a_process_inside_is_seen(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "inside").mkdir()
    inside = [subprocess.Popen(["sleep", "30"], cwd=tmp_path / name) for name in ("in", "inside")]
    try:
        time.sleep(0.1)
        assert processes_inside(str(tmp_path / "in")) == [(inside[0].pid, "sleep 30")]
    finally:
        for each in inside:
            each.kill()
            each.wait()


def test_a_branch_made_here_can_be_checked_out_at_once(repo: Sandbox, tmp_path: Path) -> None:
    found, oid = opened(repo), repo.git("rev-parse", "HEAD")
    refs.create_branch(found, "agent/9-y", oid)
    add_worktree(found, task=9, branch="agent/9-y", path=str(tmp_path / "y"), oid=oid)
    assert repo.git("status", "--porcelain", "--branch", cwd=tmp_path / "y") == "## agent/9-y"
