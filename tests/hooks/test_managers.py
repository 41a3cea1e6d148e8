"""Our hooks beside those of the programs that manage hooks, with the real ones, and beside shared hooks directories."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from git_agent.git.hooks import scripts
from git_agent.git.hooks.install import uninstall_hooks
from tests.hooks.newer_git import OUTSIDE, RECORD, World, snapshot
from tests.hooks.newer_git import config as config
from tests.hooks.newer_git import files as files
from tests.hooks.newer_git import newer_git as newer_git
from tests.hooks.newer_git import world as world
from tests.sandbox import Sandbox

SECONDS = 60
FROM_NPM = ("husky@9", "lefthook@2")
FROM_PIP = ("pre-commit>=4.7,<5", "prek>=0.5,<0.6")
PRE_COMMIT = """\
default_install_hook_types: [post-commit, pre-push]
repos:
  - repo: local
    hooks:
      - id: note
        name: note
        language: system
        entry: sh -c 'echo theirs >>"$NOTES"'
        stages: [post-commit, pre-push]
        always_run: true
        pass_filenames: false
"""
LEFTHOOK = """\
post-commit:
  commands: {note: {run: 'echo theirs >>"$NOTES"'}}
pre-push:
  commands: {note: {run: 'echo theirs >>"$NOTES"'}}
"""
TOOLS = ("husky", "lefthook", "pre-commit", "prek")


@pytest.fixture(scope="session")
def tools(fetches: bool, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Sequence[str]], Path]:
    """Return what installs packages with npm, pip or apt-get, once for all test processes, and says where."""
    if not fetches:
        pytest.skip("make test-network fetches the programs that manage hooks")
    base = tmp_path_factory.getbasetemp()
    where = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "hook-tools"
    where.mkdir(exist_ok=True)

    def get(name: str, command: Sequence[str]) -> Path:
        there = where / name
        if not shutil.which(command[0]):
            pytest.skip(f"there is no {command[0]} here")
        with (where / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not there.exists():
                there.mkdir()
                # coreutils' timeout, so that a registry without an answer fails like one that refuses
                words = ["timeout", str(SECONDS), *command] if shutil.which("timeout") else command
                done = subprocess.run(words, cwd=there, env=OUTSIDE, capture_output=True, text=True)
                (there / "failed").write_text(f"{done.returncode} {done.stderr[-300:]}" if done.returncode else "")
        if why := (there / "failed").read_text():
            pytest.skip(f"{command[0]} can't get {name}: {why}")
        return there

    return get


@pytest.fixture(params=TOOLS)
def tool(
    request: pytest.FixtureRequest,
    tools: Callable[[str, Sequence[str]], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[str, list[str]]:
    """Return the name of a hook program, and the command by which it installs its hooks."""
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PREK_HOME", str(tmp_path / "cache"))
    if request.param in ("husky", "lefthook"):
        wanted = (
            "npm",
            "install",
            "--fetch-retries=0",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--prefix",
            ".",
            *FROM_NPM,
        )
        modules = tools("npm", wanted) / "node_modules"
        if request.param == "husky":
            return "husky", ["node", str(modules / "husky/bin.js")]
        binary = next((path for path in modules.glob("lefthook-*/bin/lefthook*")), None) or pytest.skip("no lefthook")
        return "lefthook", [str(binary), "install"]
    target = tools("pip", (sys.executable, "-m", "pip", "install", "--quiet", "--target", ".", *FROM_PIP))
    monkeypatch.setenv("PYTHONPATH", str(target))
    if request.param == "prek":
        return "prek", [str(target / "bin/prek"), "install"]
    return "pre-commit", [sys.executable, "-m", "pre_commit", "install"]


def configure(sandbox: Sandbox) -> None:
    """Write the configuration of every tool, which notes each post-commit and each pre-push."""
    sandbox.write(".pre-commit-config.yaml", PRE_COMMIT)
    sandbox.write("lefthook.yml", LEFTHOOK)
    for event in ("post-commit", "pre-push"):
        sandbox.write(f".husky/{event}", 'echo theirs >>"$NOTES"\n')
    sandbox.git("add", "--all")
    sandbox.git("commit", "--quiet", "-m", "Configure the tools")


def put_theirs(sandbox: Sandbox, command: list[str]) -> None:
    result = sandbox.run(*command)
    assert result.code == 0, result


def whole(sandbox: Sandbox) -> dict[str, tuple[str, bytes | str]]:
    """Return all that a tool writes: the git directory and husky's, without the place where it stands."""
    here = str(sandbox.path).encode()
    found = {**snapshot(sandbox.path / ".git"), **snapshot(sandbox.path / ".husky")}
    return {
        name: (mode, held.replace(here, b".") if isinstance(held, bytes) else held)
        for name, (mode, held) in found.items()
        # Where git-lfs is installed, lefthook runs its hooks, which write into lfs/.
        if not name.startswith(("info", "lfs")) and not name.endswith(("FETCH_HEAD", "ORIG_HEAD", "lefthook.checksum"))
    }


def assert_both_run_once(world: World, tmp_path: Path) -> None:
    notes, other = tmp_path / "notes", tmp_path / "other.git"
    world.sandbox.git("init", "--quiet", "--bare", other)
    world.log()
    for command in (("commit", "--allow-empty", "--quiet", "-m", "x"), ("push", "--quiet", other, "HEAD:refs/heads/x")):
        notes.unlink(missing_ok=True)
        result = world.sandbox.run("git", *command)
        assert result.code == 0 and notes.read_text() == "theirs\n", result
        event = "post-commit" if command[0] == "commit" else "pre-push"
        assert [line for line in world.log() if line.startswith(event)] == [
            f"{event} {other} {other}" if event == "pre-push" else "post-commit "
        ], result


def test_ours_after_theirs_both_run_and_theirs_stay(world: World, tool: tuple[str, list[str]], tmp_path: Path) -> None:
    configure(world.sandbox)
    put_theirs(world.sandbox, tool[1])
    before = whole(world.sandbox)
    assert world.install().manual == ()
    assert_both_run_once(world, tmp_path)
    uninstall_hooks(world.repo)
    assert whole(world.sandbox) == before


def test_ours_before_theirs_both_run_and_theirs_stay(world: World, tool: tuple[str, list[str]], tmp_path: Path) -> None:
    configure(world.sandbox)
    pristine = Sandbox(Path(shutil.copytree(world.sandbox.path, tmp_path / "pristine", symlinks=True)))
    world.install()
    for sandbox in (world.sandbox, pristine):
        put_theirs(sandbox, tool[1])
    assert world.install().manual == ()
    assert_both_run_once(world, tmp_path)
    put_theirs(world.sandbox, tool[1])
    world.install()
    assert_both_run_once(world, tmp_path)
    uninstall_hooks(world.repo)
    assert whole(world.sandbox) == whole(pristine)


@pytest.mark.parametrize("theirs_first", [True, False], ids=["theirs first", "ours first"])
def test_git_lfs_still_sends_its_files(
    world: World,
    tools: Callable[[str, Sequence[str]], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    theirs_first: bool,
) -> None:
    if not shutil.which("git-lfs"):
        fetch = "apt-get -q download git-lfs && dpkg-deb -x git-lfs_*.deb ."
        where = tools("git-lfs", ("sh", "-c", fetch)) / "usr/bin"
        monkeypatch.setenv("PATH", os.pathsep.join([str(where), os.environ["PATH"]]))
    sandbox, other = world.sandbox, tmp_path / "other.git"
    if not theirs_first:
        world.install()
    # It never touches a hook that it does not know, unless forced.
    sandbox.git("lfs", "install", "--local", *(() if theirs_first or world.config else ("--force",)))
    before = whole(sandbox)
    world.install()
    sandbox.git("lfs", "track", "*.bin")
    sandbox.git("add", ".gitattributes")
    sandbox.commit(None, "large.bin", "large")
    sandbox.git("init", "--quiet", "--bare", other)
    sandbox.git("remote", "add", "origin", f"file://{other}")
    sandbox.git("push", "--quiet", "origin", "HEAD:refs/heads/x")
    assert len([path for path in (other / "lfs/objects").rglob("*") if path.is_file()]) == 1
    assert [line.split()[0] for line in world.log() if line.startswith("p")] == ["post-commit", "pre-push"]
    sandbox.git("remote", "remove", "origin")
    uninstall_hooks(world.repo)
    after = whole(sandbox)
    assert {name: after[name] for name in after if name.startswith("hooks/")} == {
        name: before[name]
        for name in before
        if name.startswith("hooks/") and b"git agent" not in bytes(before[name][1])
    }


def test_hooks_of_the_project_stay_untouched_and_run_with_ours_in_workers_worktrees(files: World) -> None:
    sandbox = files.sandbox
    text = '#!/bin/sh\necho "$0" >>"$(git rev-parse --git-common-dir)/git-agent/log"\n'
    for name in ("post-commit", "commit-msg"):
        files.hook(name, text, ".githooks")
    files.hook("reference-transaction", "#!/bin/sh\n", ".githooks")
    sandbox.git("config", "core.hooksPath", ".githooks")
    sandbox.git("add", ".githooks")
    sandbox.git("commit", "--quiet", "--no-verify", "-m", "Add hooks")
    (manual,) = files.install().manual
    assert ".githooks belongs to the project" in manual and "git agent sync" in manual
    # That a hook is there at all changes what git does: only those that the user has, and the usual ones.
    assert {"reference-transaction", "update"} & set(os.listdir(files.store / "chain")) == {"reference-transaction"}
    worker = files.worker()
    assert (files.commit(worker).err, files.log()) == (
        "",
        [".githooks/commit-msg", "post-commit ", ".githooks/post-commit"],
    )
    assert (files.commit().err, files.log()) == ("", [".githooks/commit-msg", ".githooks/post-commit"])
    assert (files.schemes(worker)["post-commit"], files.schemes()["post-commit"]) == ("workers'", "none")
    uninstall_hooks(files.repo)
    files.commit(worker)
    assert sandbox.git("status", "--porcelain") == "" and files.schemes(worker)["post-commit"] == "none"


def test_a_global_hooks_directory_stays_untouched_and_runs_with_ours_in_workers_worktrees(
    files: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everyones = tmp_path / "hooks of all"
    everyones.mkdir()
    (everyones / "post-commit").write_text(
        '#!/bin/sh\necho everyones >>"$(git rev-parse --git-common-dir)/git-agent/log"\n'
    )
    (everyones / "post-commit").chmod(0o755)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    shutil.copy(Path.home() / ".gitconfig", tmp_path / "config")
    monkeypatch.setenv("HOME", str(tmp_path))
    files.sandbox.git("config", "--global", "core.hooksPath", "~/hooks of all")
    before = snapshot(everyones)
    assert "outside" in files.install().manual[0]
    files.commit(files.worker())
    assert files.log() == ["post-commit ", "everyones"] and snapshot(everyones) == before


def test_an_ignored_hooks_directory_in_the_worktree_gets_our_part_and_a_missing_one_is_not_replaced(
    files: World,
) -> None:
    husky = files.hook("post-commit", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n', ".husky/_")
    files.sandbox.write(".husky/_/h", 'echo "$(basename "$0")" >>.git/git-agent/log\n')
    files.sandbox.write(".husky/_/.gitignore", "*\n")
    files.sandbox.git("config", "core.hooksPath", ".husky/_")
    before = snapshot(files.sandbox.path / ".husky")
    worker = files.worker()
    assert files.install().manual == () and scripts.hook_kind(husky.read_bytes()) == "guest"
    files.commit()
    assert files.log() == ["post-commit ", "post-commit"]
    assert (files.commit(worker).err, files.log()) == ("", ["post-commit "])
    uninstall_hooks(files.repo)
    assert snapshot(files.sandbox.path / ".husky") == before


def test_a_users_reference_transaction_keeps_its_input_and_its_veto_beside_the_guard(world: World) -> None:
    text = '#!/bin/sh\nwhile read -r old new ref; do\n    echo "user $1 $ref" >>"$LOG"\n'
    text += '    [ "$ref" != refs/no ] || exit 1\ndone\n'
    world.hook("reference-transaction", text.replace("$LOG", str(world.store / "log")))
    worker = world.worker()
    world.install(guard=True, script=RECORD.replace("exit 7", "exit 0"))
    for cwd, ours in ((None, 0), (worker, 1)):
        world.sandbox.git("update-ref", "refs/yes", "HEAD~", cwd=cwd)
        seen = world.log()
        theirs = [line for line in seen if line.startswith("user") and line.endswith(" refs/yes")]
        assert len([line for line in seen if line[0] == "0" and line.endswith(" refs/yes")]) == len(theirs) * ours > -1
        assert [line.split()[1] for line in theirs][-2:] == ["prepared", "committed"]
        assert world.sandbox.run("git", "update-ref", "refs/no", "HEAD", cwd=cwd).code == 128
        world.sandbox.git("update-ref", "-d", "refs/yes")
        world.log()


def test_a_hooks_path_set_after_ours_does_not_hide_ours_for_long(files: World) -> None:
    worker = files.worker()
    files.install(guard=True)
    with (files.sandbox.path / ".git/config").open("a") as file:
        file.write("[core]\n\thooksPath = .githooks\n")
    assert files.schemes(worker)["post-commit"] == "none"
    files.install(guard=True)
    assert files.schemes(worker)["post-commit"] == "workers'"
