"""A repository inside a worker's worktree is examined without running any program that its configuration names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

PERSON = (
    *("list", "status", "show 1", "prime 1", "doctor", "done 1", "approve 1", "merge 1 -n", "merge 1"),
    *("cancel 1", "rm 1 -n", "rm 1", "rm 1 --force", "rm 1 --force --unmerged", "clean -n", "clean -y", "undo"),
)
NAMES = ("x", "x=y", "a.b", "lfs")


def programs(repo: Sandbox, where: Path, pwned: Path) -> None:
    """Configure a repository so that each program that git could start in it leaves a file."""
    command = f"touch '{pwned}'; cat"
    config = where / ".git/config" if (where / ".git").is_dir() else None
    path = config or Path(repo.git("rev-parse", "--path-format=absolute", "--git-path", "config", cwd=where))
    lines = [f'[filter "{name}"]\n\tclean = "{command}"\n\tsmudge = "{command}"\n\trequired = true' for name in NAMES]
    lines += [f'[core]\n\tfsmonitor = "{command}"\n\thooksPath = {where}/hooks', f'[diff]\n\texternal = "{command}"']
    with path.open("a") as file:
        file.write("\n".join(lines) + "\n")
    for name in ("post-index-change", "post-checkout", "reference-transaction"):
        repo.write(f"hooks/{name}", f"#!/bin/sh\ntouch '{pwned}'\n", cwd=where).chmod(0o755)


def nested(repo: Sandbox, where: Path) -> None:
    """Make a repository whose files have filters."""
    where.mkdir(parents=True)
    repo.git("init", "--quiet", cwd=where)
    attributes = "".join(f"*.{at} filter={name}\n" for at, name in enumerate(NAMES))
    repo.write(".gitattributes", attributes, cwd=where)
    for at, _ in enumerate(NAMES):
        repo.write(f"a.{at}", "a\n", cwd=where)
    repo.git("add", ".", cwd=where)
    repo.git("commit", "--quiet", "-m", "nested", cwd=where)


def _ignored(repo: Sandbox, at: Path) -> Path:
    where = at / "build/dep"
    nested(repo, repo.path.parent / "origin")
    repo.git("clone", "--quiet", str(repo.path.parent / "origin"), str(where))
    repo.git("remote", "set-url", "origin", "https://example.invalid/dep.git", cwd=where)
    return where


def _untracked(repo: Sandbox, at: Path) -> Path:
    nested(repo, at / "dep")
    return at / "dep"


def _added(repo: Sandbox, at: Path) -> Path:
    nested(repo, at / "dep")
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "dep", cwd=at)
    repo.git("commit", "--quiet", "-m", "Add it as it is", cwd=at)
    return at / "dep"


def _submodule(repo: Sandbox, at: Path) -> Path:
    origin = repo.path.parent / "origin"
    nested(repo, origin)
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(origin), "dep", cwd=at)
    repo.git("commit", "--quiet", "-m", "Add a submodule", cwd=at)
    return at / "dep"


def _inside_another(repo: Sandbox, at: Path) -> Path:
    outer = _added(repo, at)
    inner = outer / "inner"
    nested(repo, inner)
    repo.git("-c", "advice.addEmbeddedRepo=false", "add", "inner", cwd=outer)
    repo.git("commit", "--quiet", "-m", "Nest another", cwd=outer)
    repo.git("commit", "--quiet", "-a", "-m", "Follow it", cwd=at)
    return inner


KINDS: dict[str, Callable[[Sandbox, Path], Path]] = {
    "in an ignored directory": _ignored,
    "that is untracked": _untracked,
    "that was added as it is": _added,
    "that is a submodule": _submodule,
    "inside another one": _inside_another,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_nested_repository_runs_nothing_for_the_person(repo: Sandbox, tmp_path: Path, kind: str) -> None:
    repo.commit(None, ".gitignore", "/build/\n")
    repo.agent("spawn", "Work")
    at, pwned = repo.worktree(1), tmp_path / "pwned"
    repo.commit(at, "work.txt", "work\n")
    where = KINDS[kind](repo, at)
    programs(repo, where, pwned)
    for words in PERSON:
        for file in where.glob("a.*"):  # so that git compares it, and does not trust the index
            file.write_text("b\n" if file.read_text() == "a\n" else "a\n")
        pwned.unlink(missing_ok=True)
        result = repo.agent(*words.split(), exit=None)
        assert not pwned.exists(), f"it ran\n{result}"
        assert "Traceback" not in result.err, result


@pytest.mark.parametrize("kind", ["that was added as it is", "that is a submodule", "inside another one"])
def test_what_changed_in_a_submodule_still_counts(repo: Sandbox, kind: str) -> None:
    repo.agent("spawn", "Work")
    at = repo.worktree(1)
    where = KINDS[kind](repo, at)
    repo.write("new.txt", "new\n", cwd=where)
    assert " M dep" in repo.agent("done", "1", exit=3).err
    (where / "new.txt").unlink()
    repo.agent("done", "1")


@pytest.mark.rest
def test_missing_objects_are_not_fetched_by_the_program_that_the_repository_names(
    repo: Sandbox, tmp_path: Path
) -> None:
    repo.commit(None, ".gitignore", "/build/\n")
    repo.agent("spawn", "Work")
    at, pwned = repo.worktree(1), tmp_path / "pwned"
    repo.commit(at, "work.txt", "work\n")
    nested(repo, tmp_path / "origin")
    where = at / "build/dep"
    repo.git("clone", "--quiet", str(tmp_path / "origin"), str(where), cwd=tmp_path)
    settings = {
        "remote.origin.url": f"ext::sh -c touch% {pwned}",
        "remote.origin.promisor": "true",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "origin",
        "core.repositoryFormatVersion": "1",
    }
    for key, value in settings.items():
        repo.git("config", key, value, cwd=where)
    commit = repo.git("rev-parse", "HEAD", cwd=where)
    (where / ".git/objects" / commit[:2] / commit[2:]).unlink()
    for words in PERSON:
        result = repo.agent(*words.split(), exit=None)
        assert not pwned.exists(), f"it ran\n{result}"


def test_a_forced_removal_keeps_a_submodule_s_commit_and_what_changed_beside_it(repo: Sandbox) -> None:
    repo.agent("spawn", "Work")
    at = repo.worktree(1)
    _submodule(repo, at)
    repo.write("notes.txt", "notes\n", cwd=at)
    repo.agent("cancel", "1")
    repo.git("push", "--quiet", "origin", "HEAD:refs/heads/other", cwd=at / "dep")
    repo.agent("rm", "1", "--force", "--unmerged")
    repo.agent("undo")
    assert (at / "notes.txt").read_text() == "notes\n"
    assert repo.git("ls-files", "--stage", "dep", cwd=at).startswith("160000 ")
