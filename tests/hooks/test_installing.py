"""Hooks are put in and taken out, and whatever hooks a user has run as if ours were not there; with real git."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from git_agent.git.hooks import scripts, settings
from git_agent.git.hooks.install import EVENTS, HookChanges, install_hooks, uninstall_hooks
from git_agent.git.hooks.stamp import hooks_are_intact
from tests.hooks.newer_git import PROGRAM, RECORD, World, snapshot
from tests.hooks.newer_git import config as config
from tests.hooks.newer_git import files as files
from tests.hooks.newer_git import newer_git as newer_git
from tests.hooks.newer_git import world as world
from tests.sandbox import Sandbox

SHELLS = [["sh"], ["dash"], ["busybox", "sh"], ["bash"], ["ksh"], ["mksh"], ["zsh"]]
MUCH = "".join(f"refs/heads/b{n} {n:040} refs/heads/b{n} {n:040}\n" for n in range(2000))


LINES = st.lists(st.sampled_from(["", "#!/bin/sh -eu", "exit 3", "# >>> other >>>", "é", "\r"]), max_size=5)


@given(lines=LINES, end=st.sampled_from(["", "\n", "\r\n"]), event=st.sampled_from(EVENTS), first=st.booleans())
def test_a_block_that_is_taken_out_leaves_every_byte(lines: list[str], end: str, event: str, first: bool) -> None:
    script = ((end or "\n").join(["#!/bin/sh"] * first + lines) + end).encode()
    with_block = scripts.insert_block(script, event)
    assert scripts.hook_kind(with_block) == "guest" and scripts.remove_block(with_block) == script
    assert scripts.insert_block(with_block, event) == with_block


@pytest.mark.parametrize("shell", [words for words in SHELLS if shutil.which(words[0])], ids=" ".join)
@pytest.mark.parametrize("flags", [[], ["-eu"]], ids=["plain", "-eu"])
@pytest.mark.parametrize("given_stdin", ["", "a b c d\n", MUCH], ids=["empty", "one line", "much"])
@pytest.mark.parametrize("event", ["pre-push", "post-rewrite"])
def test_in_every_shell_a_script_sees_what_it_saw_without_us(
    files: World, shell: list[str], flags: list[str], given_stdin: str, event: str
) -> None:
    text = '#!/bin/sh\nprintf "%s\\n" "$0" "$#" "$@" "${git_agent-none}${git_agent_input-none}"\ncat\nexit 5\n'
    user = files.hook(event, text)
    command = [shutil.which(shell[0]) or "", *shell[1:], *flags, user, "a b", "c"]
    without = files.sandbox.run(*command, stdin=given_stdin)
    files.install()
    assert files.sandbox.run(*command, stdin=given_stdin) == without
    sent = given_stdin if event == "pre-push" else ""
    assert files.log() == [f"{event} a b c", *sent.splitlines()]


def test_only_a_shells_script_gets_a_block() -> None:
    shells = ["#!/bin/sh", "#! /usr/bin/env bash", "#!/bin/dash -eu", "#!/usr/bin/env sh", "#!zsh -f", "echo", ""]
    others = ["#!/usr/bin/python3", "#!/usr/bin/env node", "#!/bin/bash -r", "#!/bin/sh\r", "#!/usr/bin/fish", "\0\1"]
    assert [text for text in shells if not scripts.is_shell(f"{text}\nx".encode())] == []
    assert [text for text in others if scripts.is_shell(f"{text}\nx".encode())] == []


KINDS = ("shell", "without #!", "python", "link", "hard link", "not executable", "broken link", "empty")


def make_hook(world: World, event: str, kind: str) -> None:
    """Make a user's hook that writes down its arguments and its input, and fails with 4."""
    text = f'#!/bin/sh -eu\necho "user $*" >>"{world.sandbox.path}/seen"\ncat >>"{world.sandbox.path}/seen"\nexit 4\n'
    python = f"#!/usr/bin/env python3\nimport sys; open({str(world.sandbox.path / 'seen')!r}, 'a').write(\n"
    python += "    ' '.join(['user', *sys.argv[1:]]) + '\\n' + sys.stdin.read()); sys.exit(4)\n"
    hook = world.hook(event, python if kind == "python" else text)
    if kind == "without #!":
        hook.write_text(text.partition("\n")[2])
    elif kind == "not executable":
        hook.chmod(0o644)
    elif kind == "empty":
        hook.write_text("")
    elif "link" in kind:
        elsewhere = hook.rename(world.sandbox.path.parent / "elsewhere")
        hook.hardlink_to(elsewhere) if kind == "hard link" else hook.symlink_to(elsewhere)
        if kind == "broken link":
            elsewhere.unlink()


@pytest.mark.parametrize("kind", KINDS)
def test_a_users_hook_sees_the_same_and_says_the_same_with_ours_and_is_restored(world: World, kind: str) -> None:
    make_hook(world, "pre-push", kind)
    before = snapshot(world.sandbox.path / ".git")
    other = world.sandbox.path.parent / "other.git"
    world.sandbox.git("init", "--quiet", "--bare", other)
    seen = world.sandbox.path / "seen"

    def push(name: str) -> tuple[int, str]:
        seen.unlink(missing_ok=True)
        result = world.sandbox.run("git", "push", "--quiet", other, f"HEAD:refs/heads/{name}")
        return result.code, seen.read_text() if seen.exists() else ""

    without = push("a")
    assert world.install().manual == ()
    assert push("a" if without[0] else "b") == (
        without[0],
        without[1].replace("heads/a", "heads/b") * (not without[0]) or without[1],
    )
    assert world.log()[0] == f"pre-push {other} {other}"
    assert install_hooks(world.repo, PROGRAM, guard=False).manual == ()
    uninstall_hooks(world.repo)
    assert snapshot(world.sandbox.path / ".git") == before


def test_all_four_events_are_heard_in_both_kinds_of_worktree_and_at_most_once(world: World) -> None:
    worker = world.worker()
    world.sandbox.commit(worker, "theirs", "theirs")
    world.install(guard=True, script=RECORD.replace("exit 7", "exit 0"))
    for cwd in (None, worker):
        world.sandbox.commit(cwd, f"file{cwd is None}", "text")
        world.sandbox.git("commit", "--amend", "--allow-empty", "--quiet", "-m", "y", cwd=cwd)
        world.sandbox.git("merge", "--quiet", "-m", "z", "agent/7-fix-login" if cwd is None else "main", cwd=cwd)
        heard = [line for line in world.log() if line.startswith(("post-", "pre-c"))]
        ours = ["pre-commit "] * (cwd is not None)
        assert heard == [*ours, "post-commit ", *ours, "post-commit ", "post-rewrite amend", "post-merge 0"], cwd


def test_the_guard_vetoes_in_the_worktrees_of_workers_only(world: World) -> None:
    worker = world.worker()
    world.install(guard=True)
    assert world.commit().code == 0
    assert world.commit(worker).code == 1
    assert world.sandbox.run("git", "update-ref", "refs/x", "HEAD", cwd=worker).code == 128
    assert world.sandbox.run("git", "update-ref", "refs/x", "HEAD").code == 0
    install_hooks(world.repo, PROGRAM, guard=False)
    assert world.commit(worker).code == 0


@pytest.mark.parametrize("what", ["moved", "copied", "store gone", "scripts gone", "broken link to the store"])
def test_a_commit_says_nothing_whatever_became_of_us(world: World, what: str) -> None:
    world.hook("post-commit", "#!/bin/sh\n")
    world.install(script="cat >/dev/null; exit 1\n")
    path = world.sandbox.path
    there = path.parent / "there"
    if what == "moved":
        path.rename(there)
    elif what == "copied":
        shutil.copytree(path, there, symlinks=True)
    else:
        shutil.rmtree(world.store / "hooks" if what == "scripts gone" else world.store)
        if what.startswith("broken"):
            world.store.symlink_to("/nonexistent/store")
    assert World(Sandbox(there if there.exists() else path), world.config).commit().__dict__ | {"command": ""} == {
        "command": "",
        "out": "",
        "err": "",
        "code": 0,
    }


@pytest.mark.parametrize("guard", [False, True], ids=["plain", "guard"])
@pytest.mark.parametrize(
    "end", [b"\n", b"", b"\r\n", b"\n[core]\n\thooksPath = .git/hooks"], ids=["lf", "none", "crlf", "key"]
)
def test_the_configuration_is_put_back_byte_for_byte_and_what_came_meanwhile_stays(
    world: World, guard: bool, end: bytes
) -> None:
    file = world.sandbox.path / ".git/config"
    file.write_bytes(file.read_bytes().rstrip() + end)
    before = file.read_bytes()
    world.install(guard=guard)
    changed = file.read_bytes()
    assert (changed != before) == (world.config or guard or b"key" in end or b"hooksPath" in end)
    uninstall_hooks(world.repo)
    assert file.read_bytes() == before
    world.install(guard=guard)
    world.sandbox.git("config", "user.name", "Grace")
    uninstall_hooks(world.repo)
    assert b"git-agent" not in file.read_bytes() and world.sandbox.git("config", "user.name") == "Grace"


def test_an_include_that_another_program_wrote_anew_is_taken_out_too(config: World) -> None:
    config.install(guard=True)
    file = config.sandbox.path / ".git/config"
    file.write_text(file.read_text().replace("\tpath = ", "path="))
    uninstall_hooks(config.repo)
    assert "git-agent" not in file.read_text() and "include" not in file.read_text()


def test_whatever_changes_is_noticed_and_mended(world: World) -> None:
    def intact(guard: bool = False, program: str = PROGRAM) -> bool:
        return hooks_are_intact(world.repo, program, guard=guard)

    assert not intact()
    install_hooks(world.repo, PROGRAM, guard=False)
    assert intact() and not intact(guard=True) and not intact(program="/other")
    assert install_hooks(world.repo, PROGRAM, guard=False) == HookChanges((), ())
    placed = world.store / "hooks.gitconfig" if world.config else world.sandbox.path / ".git/hooks/post-commit"
    for path in (world.store / "hooks/post-commit", placed, world.store / "program"):
        held = path.read_bytes()
        path.write_bytes(b"#!/bin/sh\n")
        assert not intact(), path
        install_hooks(world.repo, PROGRAM, guard=False)
        assert intact() and (path.read_bytes().startswith(held[:40])), path
    world.sandbox.git("config", "core.hooksPath", "/nonexistent")
    assert not intact()


def test_another_git_on_path_changes_the_way_and_leaves_no_double(
    config: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = config.hook("post-commit", "#!/bin/sh\n")
    since = settings.SINCE
    for limit, scheme in ((since, "config"), ((99, 0, 0), "block"), (since, "config")):
        monkeypatch.setattr(settings, "SINCE", limit)
        (config.store / "hooks/stamp").unlink(missing_ok=True)
        config.install(guard=True)
        config.commit()
        assert (config.schemes()["post-commit"], config.log()) == (scheme, ["post-commit "])
    assert user.read_text() == "#!/bin/sh\n"


def test_lines_that_a_user_adds_to_our_file_stay_and_a_hook_moved_aside_comes_back(files: World) -> None:
    python = files.hook("post-merge", "#!/usr/bin/env python3\n")
    files.install()
    ours = files.sandbox.path / ".git/hooks/post-commit"
    ours.write_text(ours.read_text() + "echo mine\n")
    files.install()
    assert (files.commit().err, files.log()) == ("mine\n", ["post-commit "])
    python.unlink()
    uninstall_hooks(files.repo)
    assert ours.read_text() == "#!/bin/sh\necho mine\n"
    assert python.read_text() == "#!/usr/bin/env python3\n"


def test_what_can_not_be_written_is_said_and_nothing_breaks(files: World) -> None:
    shutil.rmtree(files.sandbox.path / ".git/hooks")
    (files.sandbox.path / ".git/hooks").write_text("")
    done = files.install()
    assert done.manual and "git agent init" in done.manual[0]
    assert (files.commit().err, uninstall_hooks(files.repo).manual) == ("", ())


def test_a_hooks_directory_that_was_not_there_is_gone_again(files: World) -> None:
    shutil.rmtree(files.sandbox.path / ".git/hooks")
    files.install()
    assert (files.commit().err, files.log()) == ("", ["post-commit "])
    uninstall_hooks(files.repo)
    assert not (files.sandbox.path / ".git/hooks").exists()


def test_many_that_install_at_once_do_it_once(world: World) -> None:
    code = "from git_agent.git.hooks.install import install_hooks; from git_agent.git.repo import Repo\n"
    code += "done = install_hooks(Repo.open(), '/p', guard=True); print(len(done.changed), *done.manual)"
    command = ["python", "-c", code]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = [subprocess.Popen(command, cwd=world.sandbox.path, env=env, stdout=subprocess.PIPE) for _ in range(6)]
    said = sorted(process.communicate()[0].decode() for process in running)
    assert said[:5] == ["0\n"] * 5 and int(said[5]) > 0


@pytest.mark.parametrize("killed", ["linked", "renamed"])
def test_an_installation_that_was_killed_while_it_moved_a_hook_is_finished(files: World, killed: str) -> None:
    user = files.hook("post-commit", '#!/usr/bin/env python3\nprint("theirs")\n')
    aside = user.with_name("post-commit.git-agent-chained")
    aside.hardlink_to(user) if killed == "linked" else user.rename(aside)
    for _ in range(2):
        assert files.install().manual == ()
        assert files.schemes()["post-commit"] == "chained" and "theirs" in files.commit().err
        (files.store / "hooks/stamp").unlink()
    uninstall_hooks(files.repo)
    assert (user.read_text(), aside.exists()) == ('#!/usr/bin/env python3\nprint("theirs")\n', False)


def test_a_link_to_another_repositorys_hook_with_our_block_is_left_a_link(files: World) -> None:
    other = files.sandbox.write("other", scripts.insert_block(b"#!/bin/sh\n", "post-commit"))
    link = files.sandbox.path / ".git/hooks/post-commit"
    link.symlink_to(other)
    uninstall_hooks(files.repo)
    assert link.is_symlink() and scripts.hook_kind(other.read_bytes()) == "guest"


def test_lines_that_somebody_adds_below_ours_run_at_once(files: World) -> None:
    install_hooks(files.repo, PROGRAM, guard=False)
    for event in ("post-commit", "pre-push"):
        hook = files.sandbox.path / ".git/hooks" / event
        hook.write_text(hook.read_text() + f"echo {event} >>added.log\n[ {event} = post-commit ]\n")
    files.commit()
    files.sandbox.git("init", "--quiet", "--bare", "../forge.git")
    pushed = files.sandbox.run("git", "push", "--quiet", "../forge.git", "main")
    assert (files.sandbox.path / "added.log").read_text() == "post-commit\npre-push\n"
    assert pushed.code == 1  # the veto of the line that was added
