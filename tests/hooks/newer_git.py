"""Repositories with hooks in both ways: in files, and by the configuration of a git that runs them from there (2.54).

Such a git is taken from PATH, from GIT_AGENT_TEST_GIT (its path), or, with --network, from the machine's own Debian
mirror: packages of `unstable` are unpacked into a cache directory, without root, and run with the C library that they
were made for.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from git_agent.git import versions
from git_agent.git.hooks import settings
from git_agent.git.hooks.install import EVENTS, GUARD, HookChanges, effective_hooks, install_hooks
from git_agent.git.repo import Repo
from tests.sandbox import Result, Sandbox

SINCE = (2, 54)
CACHE = Path(tempfile.gettempdir()) / f"git-agent-tests-{os.getuid()}"
PACKAGES = ("git", "libc6", "libpcre2-8-0", "zlib1g")  # what the git program itself is linked with
COMMANDS = ("git", "git-receive-pack", "git-upload-pack", "git-upload-archive")  # what git starts by name
SECONDS = 50
PROGRAM = "/opt/bin/git-agent"
# Also what would fail in a script that was told -e and -u.
RECORD = 'false $not_set\necho "${h##*/} $*" >>"${h%/hooks/*}/log"\ncat >>"${h%/hooks/*}/log"\nexit 7\n'
# Taken before the sealed world hides it: where registries are, and the git to use.
OUTSIDE = dict(os.environ)
ASKED_FOR = OUTSIDE.get("GIT_AGENT_TEST_GIT", "")


def version(program: str | Path) -> tuple[int, int]:
    """Return the version of a git as two numbers, (0, 0) when it does not say one."""
    try:
        said = subprocess.run([program, "version"], capture_output=True, text=True, timeout=SECONDS).stdout
    except OSError:
        return 0, 0
    found = re.match(r"git version (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def either(this: str, newer: str) -> list[Any]:
    """Return the parameters of a test that runs with this git and with a newer one, which may have to be fetched."""
    return [this, pytest.param(newer, marks=pytest.mark.network)]


@pytest.fixture(scope="session")
def newer_git(home: Path, fetches: bool) -> str:
    """Return a PATH with a git that runs hooks from its configuration; skip where none can be had."""
    path = os.environ["PATH"]
    if version("git") >= SINCE:
        return path
    if ASKED_FOR and version(ASKED_FOR) >= SINCE:
        return os.pathsep.join([str(Path(ASKED_FOR).absolute().parent), path])
    if not fetches:
        pytest.skip("git is older than 2.54, and GIT_AGENT_TEST_GIT names no newer one; make test-network fetches one")
    return os.pathsep.join([str(_fetched() / "bin"), path])


@pytest.fixture(params=either("this", "newer"))
def any_git(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run with the machine's git, then with one that runs hooks from its configuration."""
    if request.param == "newer":
        monkeypatch.setenv("PATH", request.getfixturevalue("newer_git"))
    versions.git_version.cache_clear()
    yield
    versions.git_version.cache_clear()


def _fetched() -> Path:
    if not all(map(shutil.which, ("apt-get", "dpkg-deb"))):
        pytest.skip("git is older than 2.54, and there is no apt-get to fetch a newer one")
    CACHE.mkdir(mode=0o700, exist_ok=True)
    if CACHE.is_symlink() or CACHE.stat().st_uid != os.getuid():
        pytest.skip(f"{CACHE} is somebody else's")
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one of the test processes fetches, the others wait
        where = CACHE / "git"
        if version(where / "bin/git") < SINCE:
            shutil.rmtree(where, ignore_errors=True)
            where.mkdir()
            _fetch(where)
        if version(where / "bin/git") < SINCE:
            pytest.skip("the git that was fetched does not run here")
        return where


def _fetch(where: Path) -> None:
    for name in ("lists/partial", "cache/archives/partial", "root", "bin"):
        (where / name).mkdir(parents=True)
    (where / "status").touch()
    (where / "sources").write_text(_source())
    options = {
        "Dir::Etc::sourcelist": where / "sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": where,
        "Dir::State::status": where / "status",
        "Dir::State::lists": where / "lists",
        "Dir::Cache": where / "cache",
        "Acquire::Languages": "none",
        "Acquire::Retries": 0,
        "Acquire::http::Timeout": 20,
        "Acquire::https::Timeout": 20,
        "APT::Sandbox::User": "",
    }
    apt = ["apt-get", "-q", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    for words in ([*apt, "update"], [*apt, "download", *PACKAGES]):
        try:
            done = subprocess.run(
                words, cwd=where / "cache", env=OUTSIDE, capture_output=True, text=True, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            pytest.skip("apt-get can't fetch a newer git: no answer")
        if done.returncode:
            pytest.skip(f"apt-get can't fetch a newer git: {done.stderr.strip()[-200:]}")
    for package in (where / "cache").glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, where / "root"], check=True, timeout=SECONDS)
        package.unlink()
    shutil.rmtree(where / "lists")
    _wrap(where)


def _source() -> str:
    """Return the machine's own source of Debian packages, pointed at unstable."""
    wanted = "$(REPO_URI)|$(SIGNED_BY)|$(ORIGIN)|$(COMPONENT)"
    words = ["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"]
    said = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    for line in said.stdout.splitlines():
        uri, signed, origin, component = line.split("|")
        if origin == "Debian" and component == "main" and "security" not in uri:
            keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
            key = signed if signed.startswith("/") else str(keyring) if keyring.exists() else ""
            signed_by = f" [signed-by={key}]" if key else ""
            return f"deb{signed_by} {uri} unstable main\n"
    pytest.skip("apt-get knows no source of Debian packages")


def _wrap(where: Path) -> None:
    """Put programs into bin/ that start the unpacked git with its own loader and libraries, and nothing else so."""
    root = where / "root"
    loader = next((path for path in root.rglob("ld-linux*") if path.is_file()), None)
    libraries = next((path.parent for path in root.rglob("libc.so.6")), None)
    if not loader or not libraries:
        pytest.skip("the C library that was fetched has no loader")
    core, bin_ = root / "usr/lib/git-core", where / "bin"
    for script in core.iterdir():
        if not script.is_symlink() and script.is_file() and script.read_bytes()[:1] == b"#":
            shutil.copy2(script, bin_ / script.name)
    own = {"GIT_EXEC_PATH": bin_, "GIT_TEMPLATE_DIR": root / "usr/share/git-core/templates"}
    setting = " ".join(f"{name}={shlex.quote(str(value))}" for name, value in own.items())
    for name in COMMANDS:
        words = [loader, "--library-path", libraries, "--argv0", name, root / "usr/bin/git"]
        (bin_ / name).write_text(f'#!/bin/sh\n{setting} exec {shlex.join(map(str, words))} "$@"\n')
        (bin_ / name).chmod(0o755)


@dataclass(frozen=True)
class World:
    """A repository with hooks in one of the two ways."""

    sandbox: Sandbox
    config: bool

    @property
    def repo(self) -> Repo:
        return Repo.open(str(self.sandbox.path))

    @property
    def store(self) -> Path:
        return self.sandbox.path / ".git/git-agent"

    def install(self, *, guard: bool = False, script: str = RECORD) -> HookChanges:
        """Install, and put scripts that write down how they were called in the place of ours."""
        done = install_hooks(self.repo, PROGRAM, guard=guard)
        for event in (*EVENTS, *(GUARD if guard else ())):
            self.sandbox.write(f".git/git-agent/hooks/{event}", script)
        return done

    def log(self) -> list[str]:
        file = self.store / "log"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def commit(self, cwd: Path | None = None) -> Result:
        return self.sandbox.run("git", "commit", "--allow-empty", "--quiet", "--message", "x", cwd=cwd)

    def worker(self) -> Path:
        where = self.sandbox.path.parent / "7-fix-login"
        self.sandbox.git("worktree", "add", "--quiet", "-b", "agent/7-fix-login", where)
        return where

    def hook(self, event: str, text: str, where: str = ".git/hooks", mode: int = 0o755) -> Path:
        path = self.sandbox.write(f"{where}/{event}", text)
        path.chmod(mode)
        return path

    def schemes(self, cwd: Path | None = None) -> dict[str, str]:
        found = effective_hooks(self.repo, str(cwd or self.sandbox.path))
        return {each.event: each.scheme for each in found}


@pytest.fixture
def files(repo: Sandbox, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world whose git runs no hooks from its configuration, or is taken for one that does not."""
    versions.git_version.cache_clear()
    monkeypatch.setattr(settings, "SINCE", (99, 0, 0))
    return World(repo, False)


@pytest.fixture
def config(repo: Sandbox, newer_git: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Return a world with a git that runs hooks from its configuration."""
    monkeypatch.setenv("PATH", newer_git)
    versions.git_version.cache_clear()
    yield World(repo, True)
    versions.git_version.cache_clear()


@pytest.fixture(params=either("files", "config"))
def world(request: pytest.FixtureRequest) -> World:
    """Return each of the two worlds."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, World)
    return found


def snapshot(directory: Path) -> dict[str, tuple[str, bytes | str]]:
    """Return mode, links and content of everything in a git directory that is neither object nor index nor ours."""
    found: dict[str, tuple[str, bytes | str]] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if name.startswith(("objects", "index", "logs", "refs", "git-agent", "COMMIT_EDITMSG", "worktrees")):
            continue
        held = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        links = held.st_nlink if path.is_file() else 0
        found[name] = (f"{held.st_mode:o} {links}", content)
    return found
