"""A checkout that git begins to write and can't finish is as it was before: the base has not moved."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

# A file `stop` in a checkout holds a word and what happens to the first file with it: git fails, or git is killed.
FILTER = """#!/bin/sh
text=$(cat; echo x)
if test -e stop; then
    read -r word how <stop
    case $text in *"$word"*) test "$how" = fail || kill -9 $PPID; exit 1 ;; esac
fi
printf %s "${text%x}"
"""
OLD = {"kept": "kept\n", "gone/file": "old\n", "a": "old\n", "m.bin": "old\n", "z": "old\n"}
NEW = {"a": "new\n", "b": "new\n", "m.bin": "new\n", "z": "new\n"}


@pytest.fixture
def ready(repo: Sandbox) -> Sandbox:
    """Task 1 is approved: it changes, adds and removes files, one of them with a filter that `stop` makes fail."""
    program = repo.write(repo.path.parent / "filter", FILTER)
    program.chmod(0o755)
    repo.write(".gitattributes", "*.bin filter=word\n")
    for key, value in {"clean": "cat", "smudge": str(program), "required": "true"}.items():
        repo.git("config", f"filter.word.{key}", value)
    for path, text in OLD.items():
        repo.write(path, text)
    repo.git("add", ".")
    repo.git("commit", "--quiet", "-m", "Add files")
    repo.agent("spawn", "Work")
    there = repo.worktree(1)
    for path, text in NEW.items():
        repo.write(path, text, cwd=there)
    repo.git("rm", "--quiet", "gone/file", cwd=there)
    repo.git("add", ".", cwd=there)
    repo.git("commit", "--quiet", "-m", "Work", cwd=there)
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.write("kept", "edited by hand\n")
    with (repo.path / ".git/info/exclude").open("a") as file:
        file.write("stop\n")
    return repo


def stop(repo: Sandbox, word: str, how: str = "fail") -> Path:
    return repo.write("stop", f"{word} {how}\n")


def changed(repo: Sandbox) -> str:
    return repo.git("status", "--short")


def test_a_merge_whose_files_can_t_be_written_changes_nothing(ready: Sandbox) -> None:
    base = ready.git("rev-parse", "main")
    stop(ready, "new")
    for words in ("1", "1 --strategy squash", "1 --strategy rebase", "1 --strategy ff", "--all"):
        said = ready.agent("merge", *words.split(), exit=1)
        assert "smudge filter word failed" in said.err and "uncommitted" not in said.err, words
        assert (changed(ready), ready.git("rev-parse", "main")) == (" M kept", base), words
    (ready.path / "stop").unlink()
    ready.agent("merge", "1")
    assert changed(ready) == " M kept" and (ready.path / "z").read_text() == "new\n"


def test_an_undo_whose_files_can_t_be_written_changes_nothing(ready: Sandbox) -> None:
    ready.agent("merge", "1")
    base = ready.git("rev-parse", "main")
    stop(ready, "old")
    said = ready.agent("undo", exit=1)
    assert "smudge filter word failed" in said.err and "uncommitted" not in said.err
    assert (changed(ready), ready.git("rev-parse", "main")) == (" M kept", base)
    assert ready.tasks()[1]["state"] == "COMPLETED" and not ready.agent_json("doctor")["findings"]
    (ready.path / "stop").unlink()
    ready.agent("undo")
    assert changed(ready) == " M kept" and (ready.path / "z").read_text() == "old\n"


def test_a_rebase_of_done_whose_files_can_t_be_written_changes_nothing(ready: Sandbox) -> None:
    ready.agent("request-changes", "1", "-m", "Rebase it")
    ready.commit(None, "base.bin", "base\n")
    ready.commit(None, "also", "base\n")
    tip, there = ready.git("rev-parse", "agent/1-work"), ready.worktree(1)
    ready.write("stop", "base fail\n", cwd=there)
    assert "smudge filter word failed" in ready.agent("done", "--rebase", cwd=there, exit=1).err
    assert (ready.git("status", "--short", cwd=there), ready.git("rev-parse", "agent/1-work")) == ("", tip)
    (there / "stop").unlink()
    ready.agent("done", "--rebase", cwd=there)


def test_a_killed_git_is_reported_and_what_it_wrote_is_restored_once_its_lock_is_gone(ready: Sandbox) -> None:
    stop(ready, "new", "kill")
    said = ready.agent("merge", "1", exit=1).err
    assert "killed by signal 9; some files in" in said and said.count("can't be recovered yet") == 1
    (ready.path / "stop").unlink()
    lock = ready.path / ".git/index.lock"
    assert lock.exists() and "a" in changed(ready)
    assert "can't be recovered yet" in ready.agent("status").err
    lock.unlink()
    assert "rolled back an interrupted merge of task 1" in ready.agent("status").err
    assert changed(ready) == " M kept"
    ready.agent("merge", "1")


def test_doctor_restores_it_after_it_removed_the_lock(ready: Sandbox) -> None:
    stop(ready, "new", "kill")
    ready.agent("merge", "1", exit=1)
    (ready.path / "stop").unlink()
    ready.run("touch", "-d", "1 hour ago", ready.path / ".git/index.lock")
    assert "rolled back an interrupted merge of task 1; run it again" in ready.agent("doctor", "--fix").err
    assert changed(ready) == " M kept"


RECOVER_TWICE = """
import os
from git_agent.actions.recovery.recover import recover
from git_agent.app import App
app = App()
print(*recover(app), *recover(app), sep="\\n")
os.unlink(".git/index.lock")
print(*recover(app), sep="\\n")
"""


def test_a_program_that_goes_on_running_tries_again_and_says_only_once_that_it_could_not(ready: Sandbox) -> None:
    """`git agent watch` is one: what it took over would otherwise be its own, and busy, until it ends."""
    stop(ready, "new", "kill")
    ready.agent("merge", "1", exit=1)
    (ready.path / "stop").unlink()
    said = ready.run(sys.executable, "-c", RECOVER_TWICE).out.splitlines()
    assert [("yet" in line, "rolled back" in line) for line in said] == [(True, False), (False, True)], said
    assert changed(ready) == " M kept"


def test_a_file_that_a_sparse_checkout_leaves_out_is_not_written(ready: Sandbox) -> None:
    ready.git("sparse-checkout", "set", "--no-cone", "/*", "!/gone", "!/z")
    assert not (ready.path / "z").exists()
    stop(ready, "new")
    ready.agent("merge", "1", exit=1)
    assert changed(ready) == " M kept" and not (ready.path / "z").exists() and not (ready.path / "gone").exists()
    stop(ready, "new", "kill")
    ready.agent("merge", "1", exit=1)
    (ready.path / ".git/index.lock").unlink()
    assert "rolled back an interrupted merge of task 1" in ready.agent("status").err
    assert changed(ready) == " M kept" and not (ready.path / "z").exists()
