"""What a hook starts in the background holds nothing of git's: no server and no reader waits for it."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.hooks.crowd import BRANCH, Scene, eventually, processes, start
from tests.hooks.crowd import newer_git as newer_git
from tests.hooks.crowd import scene as scene
from tests.hooks.crowd import scenes as scenes
from tests.hooks.test_prompt import script, until_there

PATIENCE_S = 30
# Most shells can't close a descriptor above 9. git's pipe to a server is one of those when git itself has many.
WITH_MORE = 'exec 3>&1 4>&1 9>&1 10>&1 17>&1 >/dev/null 2>&1; exec "$@"'


def syncs(scene: Scene) -> list[int]:
    """List the processes that hooks started and that still run."""
    return [pid for pid, line in processes(scene.root).items() if "sync --background" in line]


@pytest.fixture
def busy(scene: Scene) -> Iterator[None]:
    """Make syncs wait, as they do for another one, so that they outlive git."""
    with open(scene.agent / "drain.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.skipif(not shutil.which("bash"), reason="only bash opens any descriptor")
@pytest.mark.parametrize(
    ("hook", "where", "command"),
    [
        ("post-commit", "worker", ["git", "commit", "--quiet", "--allow-empty", "--message", "First"]),
        ("post-commit", "main", ["git", "commit", "--quiet", "--allow-empty", "--message", "On main"]),
        ("post-merge", "main", ["git", "merge", "--quiet", BRANCH]),
        ("post-rewrite", "main", ["git", "rebase", "--quiet", "--force-rebase", "HEAD~1"]),
        ("pre-push", "main", ["git", "push", "--quiet", "origin", BRANCH]),
    ],
)
def test_a_sync_closes_every_descriptor_that_git_was_given(
    scene: Scene, busy: None, hook: str, where: str, command: list[str]
) -> None:
    words = ["bash", "-c", WITH_MORE, hook, *command]
    cwd = scene.second if where == "worker" else scene.sandbox.path
    with subprocess.Popen(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as git:
        said, _ = git.communicate(timeout=PATIENCE_S)  # returns when no process has the pipe
    assert (git.returncode, said) == (0, b"")
    assert syncs(scene), "the sync had ended"


# Pushes that git refuses by itself: it closes its pipe to the server, and waits for the server to end


def assert_ends(scene: Scene, code: int, *push: str, **env: str) -> None:
    done = scene.sandbox.run("git", "push", *push, cwd=scene.worker, env=env)
    assert done.code == code, done
    scene.settles()


def refuse_main(scene: Scene) -> None:
    """Let somebody else push main, and commit to it here: it is no fast-forward."""
    other = scene.clone()
    other.commit(None, "theirs", "theirs\n")
    other.git("push", "--quiet", "origin", "main")
    scene.add(None, "ours", "ours\n")


@pytest.mark.parametrize("how", ["--quiet", "--porcelain", "--force-with-lease", "--follow-tags"])
def test_an_atomic_push_with_a_refused_ref_ends(scene: Scene, how: str) -> None:
    refuse_main(scene)
    assert_ends(scene, 1, "--atomic", how, "origin", BRANCH, "main")
    assert scene.state() == "WORKING"
    assert_ends(scene, 0, "--atomic", how, "origin", BRANCH)
    scene.becomes("IN_REVIEW")


def test_an_atomic_push_over_ssh_with_a_refused_ref_ends(scene: Scene) -> None:
    refuse_main(scene)
    ssh = scene.root.with_name("ssh")
    script(ssh, 'shift; exec sh -c "$*"\n')
    url = f"host:{scene.forge.path}"
    assert_ends(scene, 1, "--atomic", url, BRANCH, "main", GIT_SSH=str(ssh), GIT_SSH_VARIANT="simple")


@pytest.mark.parametrize("option", ["--signed=true", "--push-option=ci.skip"])
def test_a_push_with_an_option_that_the_server_lacks_ends(scene: Scene, option: str) -> None:
    scene.forge.git("config", "receive.advertisePushOptions", "false")
    assert_ends(scene, 128, option, "origin", BRANCH)
    assert scene.state() == "WORKING"


@pytest.mark.parametrize("refs", [[BRANCH], [BRANCH, "main"]], ids=["accepted", "refused"])
def test_a_push_through_an_external_program_ends(scene: Scene, refs: list[str]) -> None:
    refuse_main(scene)
    url = f"ext::git %s {scene.forge.path}"
    assert_ends(scene, len(refs) - 1, "--atomic", url, *refs, GIT_ALLOW_PROTOCOL="ext:file")
    scene.becomes("WORKING" if len(refs) > 1 else "IN_REVIEW")


def test_a_sync_waits_for_its_push_when_the_terminal_is_closed(scene: Scene) -> None:
    scene.sandbox.git("config", "--unset-all", "remote.origin.fetch")  # only the note can tell
    script(scene.forge.path / "hooks/pre-receive", until_there("$GIT_DIR/go"))
    pushing = start("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    eventually(lambda: syncs(scene), scene.told)
    for pid in syncs(scene):
        os.kill(pid, signal.SIGHUP)
        os.kill(pid, signal.SIGINT)
    (scene.forge.path / "go").touch()
    assert pushing.wait() == 0
    scene.becomes("IN_REVIEW")
    scene.settles()


def test_a_sync_that_waited_for_its_push_leaves_a_repository_alone_whose_hooks_were_removed(scene: Scene) -> None:
    script(scene.forge.path / "hooks/pre-receive", until_there("$GIT_DIR/go"))
    pushing = start("git", "push", "--quiet", "origin", BRANCH, cwd=scene.worker)
    eventually(lambda: syncs(scene), scene.told)
    scene.sandbox.agent("deinit", "--purge", "--yes")
    (scene.forge.path / "go").touch()
    assert pushing.wait() == 0
    eventually(lambda: not processes(scene.root), lambda: processes(scene.root))
    assert not scene.agent.exists() or [*scene.agent.iterdir()] == [], [*scene.agent.iterdir()]
