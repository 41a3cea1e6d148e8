"""`git agent init --agents-md`: a part of AGENTS.md, and nothing else of it."""

from __future__ import annotations

import os
from pathlib import Path

from git_agent.integrations import guide
from git_agent.integrations.marked_block import BEGIN, END
from tests.sandbox import Sandbox


def test_the_file_is_made_and_a_second_time_left_alone(repo: Sandbox) -> None:
    said = repo.agent_json("init", "--agents-md")["agents_md"]
    path = repo.path / "AGENTS.md"
    assert said == {"path": str(path), "changed": True}
    text = path.read_text()
    assert text.startswith(f"{BEGIN}\n") and text.endswith(f"{guide.fragment()}{END}\n")
    before = path.stat()
    assert repo.agent_json("init", "--agents-md")["agents_md"]["changed"] is False
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(os.listdir(repo.path)) == [".git", ".gitignore", "AGENTS.md", "README.md", "docs", "src"]


def test_bytes_that_are_no_text_line_ends_and_the_mode_stay(repo: Sandbox) -> None:
    held = b"# Rules\r\n\r\n\xff\xfe caf\xe9\r\n"
    path = repo.write("AGENTS.md", held)
    path.chmod(0o640)
    repo.agent("init", "--agents-md")
    new = path.read_bytes()
    assert new.startswith(held) and new.count(b"\n") == new.count(b"\r\n") > 20
    assert path.stat().st_mode & 0o777 == 0o640


def test_it_is_the_file_of_the_worktree_one_stands_in(repo: Sandbox) -> None:
    worktree = repo.path.parent / "linked"
    repo.git("worktree", "add", "--quiet", str(worktree))
    (worktree / "sub").mkdir()
    repo.agent("init", "--agents-md", cwd=worktree / "sub")
    assert (worktree / "AGENTS.md").is_file() and not (repo.path / "AGENTS.md").exists()


def test_a_bare_repository_has_no_place_for_it(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    assert "no place" in repo.agent("init", "--agents-md", cwd=tmp_path / "bare.git", exit=3).err


def test_what_is_refused_makes_nothing_else(repo: Sandbox, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    (repo.path / "AGENTS.md").symlink_to(victim)
    assert "symbolic link" in repo.agent("init", "--agents-md", exit=3).err
    assert victim.read_text() == "mine\n" and not repo.store.exists()
    (repo.path / "AGENTS.md").unlink()
    os.mkfifo(repo.path / "AGENTS.md")
    assert "not a regular file" in repo.agent("init", "--agents-md", exit=3).err
    (repo.path / "AGENTS.md").unlink()
    repo.write("AGENTS.md", f"{BEGIN}\nmine\n")
    assert "not a pair" in repo.agent("init", "--agents-md", exit=3).err
    assert (repo.path / "AGENTS.md").read_text() == f"{BEGIN}\nmine\n"
