"""What is shipped: an sdist that can build itself; a wheel with the hooks, the man page and the command."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOOKS = sorted(path.name for path in (ROOT / "hooks").iterdir())

# What installers write for an interpreter whose path has a space: the kernel can't start that one.
TRAMPOLINE = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''"""


def python(*args: str | Path, cwd: Path = ROOT) -> None:
    """Run a module of this environment without the network; fail with what it said."""
    command = [sys.executable, "-m", *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist of this tree."""
    where = tmp_path_factory.mktemp("sdist")
    python("hatchling", "build", "--target", "sdist", "--directory", where)
    return next(where.glob("git_agent-*.tar.gz"))


@pytest.fixture(scope="module")
def installed(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from the sdist and install it as installers do; return the prefix that it is under."""
    where = tmp_path_factory.mktemp("wheel")
    offline = ("--no-deps", "--no-index", "--quiet")
    python("pip", "wheel", *offline, "--no-build-isolation", "--wheel-dir", where, sdist)
    wheel = next(where.glob("git_agent-*.whl"))
    python("pip", "install", *offline, "--ignore-installed", "--prefix", where / "prefix", wheel, cwd=where)
    return where / "prefix"


def test_the_sdist_has_what_is_needed_to_work_on_the_program(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "Makefile",
        ".ci/run",
        ".ci/venv",
        "tests/conftest.py",
        "tests/sandbox.py",
        "docs/man/git-agent.1",
        "LICENSE",
    }
    assert wanted - names == set()
    assert [name for name in names if "__pycache__" in name or name.startswith((".venv", ".git/"))] == []


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_installed_unchanged_and_executable(installed: Path, name: str) -> None:
    (hook,) = installed.glob(f"lib/python*/site-packages/git_agent/hooks/{name}")
    source = (ROOT / "hooks" / name).stat().st_mode  # parts that hooks source are no programs
    assert hook.stat().st_mode & 0o111 == source & 0o111
    assert hook.read_bytes() == (ROOT / "hooks" / name).read_bytes()


def test_the_man_page_is_installed_where_man_looks(installed: Path) -> None:
    page = installed / "share/man/man1/git-agent.1"
    assert page.read_text().startswith((".TH", '.\\"', "'\\\""))


def test_the_command_is_installed(installed: Path) -> None:
    started, command = installed / "bin/git-agent", installed / "bin/gitagent-python"
    assert os.access(started, os.X_OK) and started.read_bytes() == (ROOT / "bin/git-agent").read_bytes()
    assert os.access(command, os.X_OK) and "git_agent.cli.main import run" in command.read_text()


@pytest.mark.parametrize("first", ["#!{python}", TRAMPOLINE], ids=["named", "started by sh"])
def test_the_command_starts_from_a_directory_with_a_space_in_its_name(tmp_path: Path, first: str) -> None:
    here, there = Path(sys.prefix), tmp_path / "my tools"
    (there / "bin").mkdir(parents=True)
    (there / "pyvenv.cfg").write_bytes((here / "pyvenv.cfg").read_bytes())
    (there / "lib").symlink_to(here / "lib")
    (there / "bin/python").symlink_to(Path(sys.executable).resolve())
    for name in ("git-agent", "gitagent-python"):
        text = (ROOT / "bin" / name).read_text().replace("#!python", first.format(python=there / "bin/python"), 1)
        (there / "bin" / name).write_text(text)
        (there / "bin" / name).chmod(0o755)
    done = subprocess.run([there / "bin/git-agent", "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("git-agent version")


def test_an_extra_is_for_something_that_is_there() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    there = {path.stem for path in (ROOT / "git_agent").rglob("*") if path.is_dir() or path.suffix == ".py"}
    assert set(extras) - {"test", "release"} <= there


def test_tests_and_caches_are_not_installed(installed: Path) -> None:
    (packages,) = installed.glob("lib/python*/site-packages")
    assert {path.name for path in packages.iterdir() if not path.name.endswith(".dist-info")} == {"git_agent"}
