"""What people and workers do with plain git is in the store at once: the hooks see to it, with no command of ours."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.hooks.crowd import BRANCH, Scene, eventually, processes, start
from tests.hooks.crowd import newer_git as newer_git
from tests.hooks.crowd import scene as scene
from tests.hooks.crowd import scenes as scenes


def script(path: Path, text: str) -> None:
    """Add lines to a hook; what is there stays."""
    path.parent.mkdir(exist_ok=True)
    path.write_text((path.read_text() if path.exists() else "#!/bin/sh\n") + text)
    path.chmod(0o755)


def until_there(path: str) -> str:
    """Return a script that waits for a file, but not for ever: a test that fails does not make it."""
    return f'i=0; while [ ! -e "{path}" ] && [ $i -lt 600 ]; do sleep 0.05; i=$((i + 1)); done\n'


def test_the_first_commit_makes_the_task_working(scene: Scene) -> None:
    scene.sandbox.commit(scene.second, "logout.py", "one\n")
    scene.becomes("WORKING", 2)
    scene.settles()
    scene.sandbox.commit(scene.second, "logout.py", "two\n")
    assert processes(scene.root) == {} and scene.spool() == []  # later ones start nothing
    assert scene.kinds(2).count("task.started") == 1


# Pushes


@pytest.mark.parametrize(
    "how",
    [
        ["origin", BRANCH],
        ["-u", "origin", BRANCH],
        ["--atomic", "origin", BRANCH, "main", f"{BRANCH}~1:refs/heads/before"],
        ["--force", "origin", BRANCH],
        ["origin", f"{BRANCH}:refs/heads/feature/other-name"],
    ],
    ids=" ".join,
)
def test_a_push_hands_the_work_in(scene: Scene, how: list[str]) -> None:
    if "--force" in how:
        scene.later("push", "--quiet", "origin", f"main:{BRANCH}")
        scene.later("push", "--quiet", "origin", f"+HEAD~1:{BRANCH}", cwd=scene.worker)
    scene.sandbox.git("push", "--quiet", *how, cwd=scene.worker)
    scene.becomes("IN_REVIEW")
    scene.settles()
    assert scene.kinds().count("task.pushed") == 1
    assert scene.state(2) == "ASSIGNED"


def test_a_person_pushes_from_the_main_worktree(scene: Scene) -> None:
    scene.sandbox.git("push", "--quiet", "origin", BRANCH)
    scene.becomes("IN_REVIEW")


def test_a_push_that_takes_long_is_waited_for(scene: Scene) -> None:
    scene.sandbox.git("config", "--unset-all", "remote.origin.fetch")  # only the note can tell
    script(scene.forge.path / "hooks/pre-receive", until_there("$GIT_DIR/go"))
    pushing = start("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    eventually(scene.spool, scene.told)
    scene.sandbox.commit(scene.second, "logout.py", "one\n")
    scene.becomes("WORKING", 2)  # this look saw the note, too
    assert scene.state() == "WORKING"
    (scene.forge.path / "go").touch()
    assert pushing.wait() == 0
    scene.becomes("IN_REVIEW")
    scene.settles()


def test_one_push_hands_in_the_work_of_several_workers(scene: Scene) -> None:
    scene.add(scene.second, "logout.py", "one\n")
    scene.sandbox.git("push", "--quiet", "--all", "origin")
    scene.becomes("IN_REVIEW", 1)
    scene.becomes("IN_REVIEW", 2)
    scene.settles()


def test_a_push_that_was_killed_hands_nothing_in_and_leaves_nothing(scene: Scene) -> None:
    script(scene.forge.path / "hooks/pre-receive", until_there("$GIT_DIR/go") + "exit 1\n")
    scene.sandbox.git("config", "--unset-all", "remote.origin.fetch")
    pushing = start("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    eventually(scene.spool, scene.told)
    pushing.kill()
    pushing.wait()
    (scene.forge.path / "go").touch()
    scene.settles()
    assert scene.state() == "WORKING" and "task.pushed" not in scene.kinds()


def test_a_manager_of_hooks_may_stand_between_git_and_ours(scene: Scene) -> None:
    hook = scene.sandbox.path / ".git/hooks/pre-push"
    if not hook.exists():
        pytest.skip("this git runs ours by itself")
    ours = hook.rename(hook.with_name("ours"))
    script(hook, f'sh -c \'"$0" "$@"; exit $?\' "{ours}" "$@" || exit\nexit 0\n')
    script(scene.forge.path / "hooks/pre-receive", until_there("$GIT_DIR/go"))
    scene.sandbox.git("config", "--unset-all", "remote.origin.fetch")
    pushing = start("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    eventually(scene.spool, scene.told)
    time.sleep(0.5)  # the manager has ended; who waited for it would look now
    assert len(scene.spool()) == 1
    (scene.forge.path / "go").touch()
    assert pushing.wait() == 0
    scene.becomes("IN_REVIEW")
    scene.settles()


# Where no remote-tracking branch shows it, the remote is asked


@pytest.mark.parametrize("how", ["path", "URL", "single branch", "no refspec", "excluded", "review"])
def test_the_remote_is_asked_where_no_tracking_branch_can_tell(scene: Scene, how: str) -> None:
    where, there = "origin", BRANCH
    fetch = "remote.origin.fetch"
    if how in ("path", "URL"):
        where = str(scene.forge.path) if how == "path" else scene.forge.path.as_uri()
    elif how == "single branch":
        scene.sandbox.git("config", fetch, "+refs/heads/main:refs/remotes/origin/main")
    elif how == "no refspec":
        scene.sandbox.git("config", "--unset-all", fetch)
    elif how == "excluded":
        scene.sandbox.git("config", "--add", fetch, "^refs/heads/agent/*")
    else:
        there = "refs/for/main"
        moves = "while read -r old new ref; do git update-ref refs/changes/01/1/1 $new; git update-ref -d $ref; done\n"
        script(scene.forge.path / "hooks/post-receive", moves)
    scene.sandbox.git("push", "--quiet", where, f"{BRANCH}:{there}", cwd=scene.worker)
    scene.becomes("IN_REVIEW")
    scene.settles()
    assert scene.kinds().count("task.pushed") == 1


# Pushes that hand nothing in


@pytest.mark.parametrize("asked", [False, True], ids=["tracked", "asked"])
def test_what_did_not_arrive_hands_nothing_in(scene: Scene, asked: bool) -> None:
    if asked:
        scene.sandbox.git("config", "--unset-all", "remote.origin.fetch")
    push = ("git", "push", "--quiet", "origin")
    assert scene.sandbox.run(*push, "--dry-run", BRANCH, cwd=scene.worker).code == 0
    script(scene.forge.path / "hooks/pre-receive", "exit 1\n")
    assert scene.sandbox.run(*push, BRANCH, cwd=scene.worker).code != 0
    (scene.forge.path / "hooks/pre-receive").unlink()
    other = scene.clone()
    other.git("push", "--quiet", "origin", f"HEAD:{BRANCH}")
    other.git("switch", "--quiet", "--create", BRANCH)
    other.commit(None, "theirs", "theirs\n")
    other.git("push", "--quiet", "origin", BRANCH)
    assert scene.sandbox.run(*push, BRANCH, cwd=scene.worker).code != 0  # not a fast-forward
    scene.settles()
    assert scene.state() == "WORKING" and "task.pushed" not in scene.kinds()


@pytest.mark.parametrize("first", [True, False], ids=["theirs first", "ours first"])
def test_a_push_that_the_users_hook_vetoes_hands_nothing_in(scene: Scene, first: bool) -> None:
    hook = scene.sandbox.path / ".git/hooks/pre-push"
    if first:
        hook.unlink(missing_ok=True)
    script(hook, "exit 1\n")
    if first:
        scene.sandbox.agent("init")
    assert scene.sandbox.run("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker).code != 0
    scene.settles()
    assert scene.state() == "WORKING" and "task.pushed" not in scene.kinds()


def test_what_brings_nothing_of_the_branch_hands_nothing_in(scene: Scene) -> None:
    scene.sandbox.git("tag", "v1", BRANCH)
    scene.later("push", "--quiet", "origin", "main:refs/heads/old")
    for what in (["main"], ["--tags"], ["--delete", "old"], [f"{BRANCH}~1:refs/heads/before"], ["main"]):
        scene.sandbox.git("push", "--quiet", "origin", *what, cwd=scene.worker)
    scene.sandbox.run("git", "push", "--quiet", str(scene.root / "nowhere"), BRANCH, cwd=scene.worker)
    scene.settles()
    assert scene.state() == "WORKING" and "task.pushed" not in scene.kinds()


# Merges


def forged(scene: Scene) -> None:
    """Merge task 1 on the forge, from somebody else's clone; nothing of ours hears of it."""
    scene.later("push", "--quiet", "origin", f"{BRANCH}:refs/heads/pr")
    other = scene.clone()
    other.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/pr")
    other.git("push", "--quiet", "origin", "main")


@pytest.mark.parametrize("how", ["ff", "merge", "squash", "conflict", "pull", "pull --rebase", "pull --rebase, ahead"])
def test_a_merge_completes_the_task(scene: Scene, how: str) -> None:
    ours = scene.sandbox
    if how == "ff":
        ours.git("merge", "--quiet", BRANCH)
    elif how == "merge":
        ours.git("merge", "--quiet", "--no-ff", "--no-edit", BRANCH)
    elif how == "squash":
        scene.add(None, "other.py", "other\n")
        ours.git("merge", "--quiet", "--squash", BRANCH)
        ours.git("commit", "--quiet", "--message", "Squashed")
    elif how == "conflict":
        scene.add(None, "login.py", "clash\n")
        assert ours.run("git", "merge", BRANCH).code == 1
        ours.write("login.py", "both\n")
        ours.git("add", "login.py")
        ours.git("commit", "--quiet", "--no-edit")
    else:
        forged(scene)
        scene.add(None, "mine.py", "mine\n") if "ahead" in how else None
        ours.git(*how.partition(",")[0].split(), "--quiet")
    scene.becomes("COMPLETED")
    scene.settles()
    assert scene.kinds().count("task.merged") == 1


# The streams


@pytest.mark.parametrize("what", ["commit", "push", "merge"])
def test_who_reads_gits_output_is_not_held_by_the_look(scene: Scene, what: str) -> None:
    slow = scene.root / "git-agent"
    script(slow, until_there(f"{scene.root}/over"))
    (scene.agent / "program").write_text(f"{slow}\n")
    command = {
        "commit": "git commit --allow-empty --message x 2>&1 | cat",
        "push": f"git push origin {BRANCH} 2>&1 | cat",
        "merge": f"git merge {BRANCH} 2>&1 | cat",
    }[what]
    done = scene.sandbox.run("sh", "-c", command, cwd=scene.second if what == "commit" else None)
    assert done.code == 0 and done.out
    eventually(lambda: any("sync --background" in line for line in processes(scene.root).values()), scene.told)
    (scene.root / "over").touch()
