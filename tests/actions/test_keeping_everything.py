"""What appears while a worktree is removed, what filters change, and what only the worktree's own log has, is kept."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.sandbox import Sandbox


def lives(repo: Sandbox, oid: str) -> bool:
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    return repo.run("git", "cat-file", "-e", oid).code == 0


def everywhere(repo: Sandbox) -> str:
    """Return the content of every object that a ref reaches, and of every kept file."""
    objects = repo.git("rev-list", "--objects", "--all").split("\n")
    texts = [repo.git("cat-file", "-p", line.split()[0], check=False) for line in objects]
    kept = (repo.path / ".git/git-agent/kept").rglob("*")
    return "\n".join([*texts, *(path.read_text() for path in kept if path.is_file())])


@pytest.fixture
def working(repo: Sandbox) -> Sandbox:
    repo.write(".git/info/exclude", "*.log\n")
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "work.txt", "work\n")
    return repo


@pytest.mark.parametrize("name", ["late.txt", "late.log", "deep/late.txt"])
@pytest.mark.parametrize("force", [True, False])
def test_what_is_written_while_a_worktree_is_removed_is_kept(working: Sandbox, name: str, force: bool) -> None:
    """The file appears between the last look and the rename, which `os.rename` shows."""
    there = working.worktree(1)
    working.agent("cancel", "1")
    script = (
        "import os, sys\n"
        "rename = os.rename\n"
        "def late(old, new):\n"
        "    if '.trash-' in str(new) and not os.path.basename(str(old)).startswith('.'):\n"
        f"        path = os.path.join(str(old), {name!r})\n"
        "        os.makedirs(os.path.dirname(path), exist_ok=True)\n"
        "        open(path, 'w').write('precious late words\\n')\n"
        "    rename(old, new)\n"
        "os.rename = late\n"
        "sys.argv[0] = 'git-agent'\n"
        "from git_agent.cli.main import run\n"
        "run()\n"
    )
    flags = ["--force", "--unmerged"] if force else ["--unmerged"]
    bin = Path(working.run("sh", "-c", "command -v git-agent").out.strip()).parent
    found = working.run(bin / "python", "-P", "-c", script, "rm", "1", *flags)
    if there.exists():
        assert found.code == 3 and "late" in found.err and (there / name).read_text() == "precious late words\n"
    else:
        assert found.code == 0, found
        assert "precious late words" in everywhere(working)
        working.agent("undo", "--yes")
        assert (there / name).read_text() == "precious late words\n"
    assert list(there.parent.glob(".trash-*")) == []


@pytest.mark.parametrize("name", ["late.txt", "late.log"])
def test_the_command_that_finishes_for_a_killed_one_looks_again(working: Sandbox, name: str) -> None:
    there = working.worktree(1)
    working.agent("cancel", "1")
    script = (
        "import os, signal, sys\n"
        "rename = os.rename\n"
        "def die(old, new):\n"
        "    rename(old, new)\n"
        "    if '.trash-' in str(new) and not os.path.basename(str(old)).startswith('.'):\n"
        f"        open(os.path.join(str(new), {name!r}), 'w').write('precious late words\\n')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.rename = die\n"
        "sys.argv[0] = 'git-agent'\n"
        "from git_agent.cli.main import run\n"
        "run()\n"
    )
    bin = Path(working.run("sh", "-c", "command -v git-agent").out.strip()).parent
    killed = working.run(bin / "python", "-P", "-c", script, "rm", "1", "--force", "--unmerged")
    assert killed.code == -signal.SIGKILL
    assert "rolled back an interrupted remove of task 1" in working.agent("list").err
    assert list(there.parent.glob(".trash-*")) == [] and (there / name).read_text() == "precious late words\n"
    working.agent("rm", "1", "--force", "--unmerged")
    assert not there.exists() and "precious late words" in everywhere(working)


def test_a_directory_whose_place_was_taken_stays_aside(working: Sandbox) -> None:
    there = working.worktree(1)
    aside = there.parent / ".trash-1-aa"
    os.rename(there, aside)
    there.mkdir()
    marker = working.path / ".git/git-agent/trash/.1-aa"
    marker.parent.mkdir(exist_ok=True)
    marker.write_bytes(os.fsencode(aside) + b"\0" + os.fsencode(there))
    working.agent("list")
    assert (aside / "work.txt").exists()
    there.rmdir()
    working.agent("list")
    assert (there / "work.txt").exists() and not aside.exists() and not marker.exists()


@pytest.mark.parametrize(
    ("attributes", "content"),
    [
        ("*.x filter=strip", b"code\noutput: three days\n"),
        ("*.x text eol=lf", b"one\r\ntwo\r\n"),
        ("*.x text=auto", b"one\r\ntwo\r\n"),
        ("*.x ident", b"$Id: mine $\n"),
        ("*.x working-tree-encoding=UTF-16", "text\n".encode("utf-16")),
    ],
)
@pytest.mark.parametrize("name", ["new.x", 'odd "name"\n\\.x'])
def test_undo_brings_back_the_bytes_that_git_stores_otherwise(
    repo: Sandbox, attributes: str, content: bytes, name: str
) -> None:
    repo.commit(repo.path, ".gitattributes", attributes + "\n")
    repo.git("config", "filter.strip.clean", "grep -v output")
    repo.git("config", "filter.strip.smudge", "cat")
    repo.agent("spawn", "Work")
    path = repo.worktree(1) / name
    path.write_bytes(content)
    repo.agent("cancel", "1")
    repo.agent("rm", "1", "--force")
    repo.agent("undo", "--yes")
    assert path.read_bytes() == content


NOTEBOOK = b"code\noutput: three days\n"


@pytest.fixture
def notebook(repo: Sandbox) -> Sandbox:
    """Task 1 has committed a file of which a filter drops a part, so that git calls it unmodified."""
    repo.commit(repo.path, ".gitattributes", "*.x filter=strip\n")
    repo.git("config", "filter.strip.clean", "grep -v output")
    repo.git("config", "filter.strip.smudge", "cat")
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "book.x", NOTEBOOK)
    assert repo.git("status", "--porcelain", cwd=repo.worktree(1)) == ""
    return repo


@pytest.mark.parametrize("ending", ["merge 1", "merge --all", "rm 1 --unmerged", "rm 1 --unmerged --force", "clean"])
def test_undo_brings_back_what_a_filter_dropped_of_a_committed_file(notebook: Sandbox, ending: str) -> None:
    there = notebook.worktree(1)
    before = ["cancel 1"] if ending.startswith("rm") else ["done 1", "approve 1"]
    for words in (*before, *(["merge 1 --keep"] if ending == "clean" else []), ending):
        notebook.agent(*words.split())
    assert not there.exists()
    notebook.agent("undo", "--yes")
    assert (there / "book.x").read_bytes() == NOTEBOOK


def test_what_a_filter_gives_back_is_not_copied(notebook: Sandbox) -> None:
    notebook.git("config", "filter.strip.clean", "tr a-y b-z")
    notebook.git("config", "filter.strip.smudge", "tr b-z a-y")
    notebook.commit(notebook.worktree(1), "book.x", "code\n")
    notebook.agent("cancel", "1")
    notebook.agent("rm", "1", "--unmerged")
    assert not (notebook.path / ".git/git-agent/kept").exists()


def detached(repo: Sandbox, there: Path) -> str:
    repo.git("switch", "--quiet", "--detach", cwd=there)
    oid = repo.commit(there, "aside.txt", "aside\n")
    repo.git("switch", "--quiet", "-", cwd=there)
    return oid


def amended(repo: Sandbox, there: Path) -> str:
    oid = repo.commit(there, "a.txt", "first\n")
    repo.write("a.txt", "second\n", cwd=there)
    repo.git("commit", "--quiet", "--all", "--amend", "-m", "Second", cwd=there)
    return oid


def reset_away(repo: Sandbox, there: Path) -> str:
    oid = repo.commit(there, "a.txt", "first\n")
    repo.git("reset", "--quiet", "--hard", "HEAD~1", cwd=there)
    return oid


def own_ref(repo: Sandbox, there: Path) -> str:
    oid = repo.git("commit-tree", "-m", "Mine", "HEAD^{tree}", cwd=there)
    repo.git("update-ref", "refs/worktree/mine", oid, cwd=there)
    return oid


@pytest.mark.parametrize("verb", ["merge", "rm", "clean"])
@pytest.mark.parametrize("make", [detached, amended, reset_away, own_ref])
def test_commits_that_only_the_worktree_knows_are_kept(working: Sandbox, make, verb: str) -> None:  # type: ignore[no-untyped-def]
    there = working.worktree(1)
    oid = make(working, there)
    if verb == "merge":
        working.agent("done", "1")
        working.agent("approve", "1")
        working.agent("merge", "1")
    elif verb == "rm":
        working.agent("cancel", "1")
        working.agent("rm", "1", "--unmerged")
    else:
        working.git("merge", "--quiet", "agent/1-work")
        working.agent("clean", "--yes")
    assert not there.exists()
    assert lives(working, oid)


def test_many_are_said_in_one_line(working: Sandbox) -> None:
    there = working.worktree(1)
    for number in range(6):
        working.write("a.txt", f"{number}\n", cwd=there)
        working.git("add", "a.txt", cwd=there)
        working.git("commit", "--quiet", *(["--amend"] if number else []), "-m", f"Try {number}", cwd=there)
    working.agent("cancel", "1")
    said = working.agent("rm", "1", "--unmerged").out
    assert "kept under refs/git-agent/rescue/1/1 to 6\n" in said
    assert working.agent("rescue", "list", "1").out.count("only in the worktree's HEAD log") == 5
