"""A repository of another user, as under sudo: what will belong to whom is said before anything is made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to another user")
NOBODY = 65534
SUDO = {"SUDO_UID": str(NOBODY)}  # then git trusts that user's repositories


def give(repo: Sandbox, uid: int = NOBODY) -> None:
    for path in (repo.path, *repo.path.rglob("*")):
        os.chown(path, uid, uid, follow_symlinks=False)


def warned(err: str) -> bool:
    """Tell whether the first line warns."""
    first = err.partition("\n")[0]
    return first.startswith("note: this repository belongs to ") and "made now will belong to root" in first


@pytest.mark.parametrize(
    "verb", [["spawn", "Fix login"], ["add", "Fix login"], ["init"], ["claim"], ["clean"], ["list"]]
)
def test_root_reads_whose_repository_it_is_before_anything_is_made(repo: Sandbox, verb: list[str]) -> None:
    give(repo)
    said = repo.run("git", "agent", *verb, env=SUDO)
    assert warned(said.err) and said.err.count("belongs to") == 1, said


def test_the_warning_comes_before_what_is_made(repo: Sandbox, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    repo.git("config", "agent.setup", f"cp {str(tmp_path / 'err')!r} {str(seen)!r}")
    give(repo)
    assert repo.run("sh", "-c", f"git agent spawn 'Fix login' 2>'{tmp_path}/err'", env=SUDO).code == 0
    assert warned(seen.read_text())


@pytest.mark.parametrize("verb", [["spawn", "Fix login"], ["add", "Fix login"], ["init"], ["list"]])
def test_the_owner_reads_nothing_of_it(repo: Sandbox, verb: list[str]) -> None:
    assert "belongs to" not in repo.run("git", "agent", *verb, env=SUDO).err


def test_json_stays_json(repo: Sandbox) -> None:
    give(repo)
    said = repo.run("git", "agent", "spawn", "--json", "Fix login", env=SUDO)
    assert said.json()["task"]["state"] == "ASSIGNED" and warned(said.err)


def test_outside_of_a_repository_there_is_nothing_to_say(tmp_path: Path, repo: Sandbox) -> None:
    shutil.rmtree(repo.path / ".git")
    assert repo.run("git-agent", "list").err.startswith("error: not a git repository")
