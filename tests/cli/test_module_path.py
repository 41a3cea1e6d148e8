"""PYTHONPATH: a repository's own modules never run in `git agent`, and the programs that it starts get the variable."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.hooks.crowd import eventually, query
from tests.running.stage import Stage
from tests.running.stage import stage as stage
from tests.sandbox import Result, Sandbox

# What Python, the installer's script and we import; the first two are imported before any line of ours runs.
MODULES = ("sitecustomize.py", "encodings/__init__.py", "re.py", "git_agent/__init__.py", "click.py", "apsw.py")


@pytest.fixture
def hostile(repo: Sandbox) -> Sandbox:
    """Return a repository with a task and committed modules, each of which notes that it was imported."""
    for module in MODULES:
        repo.write(module, 'import os\nopen(os.environ["RAN"], "a").write(__name__ + "\\n")\n')
    repo.git("add", ".")
    repo.git("commit", "--quiet", "--message", "Modules")
    repo.agent("init")
    repo.agent("spawn", "Fix login")
    return repo


def ran(repo: Sandbox) -> Path:
    return repo.path.parent / "ran"


def tried(repo: Sandbox, path: str, *words: str | Path, cwd: Path | None = None) -> Result:
    """Run a program, cold, with this PYTHONPATH; fail when one of the modules ran."""
    done = repo.run(*words, cwd=cwd, env={"PYTHONPATH": path, "RAN": str(ran(repo)), "GIT_AGENT_HOOKS": None})
    assert not ran(repo).exists(), (ran(repo).read_text(), done)
    return done


def state(repo: Sandbox) -> str:
    return str(query(repo.store.parent, "select state from task")[0]["state"])


@pytest.mark.parametrize("path", [".", "", ":/nowhere", "/nowhere:", "/nowhere::/other", "{repo}", "../repo:."])
def test_no_module_of_the_repository_runs_in_a_command(hostile: Sandbox, path: str) -> None:
    done = tried(hostile, path.format(repo=hostile.path), "git", "agent", "list")
    assert done.code == 0 and "Fix login" in done.out, done


@pytest.mark.parametrize("verb", [["status"], ["prime"], ["start"], ["diff"]], ids=" ".join)
def test_no_module_of_a_worktree_runs_in_a_worker_s_command(hostile: Sandbox, verb: list[str]) -> None:
    assert tried(hostile, ".", "git", "agent", *verb, cwd=hostile.worktree(1)).code == 0


@pytest.mark.parametrize("path", [".", ":", "{repo}"])
def test_no_module_of_the_repository_runs_in_a_hook(hostile: Sandbox, path: str) -> None:
    hostile.commit(hostile.worktree(1), "login.py", "fixed\n", "Fix")
    path = path.format(repo=hostile.path)
    assert tried(hostile, path, "git", "merge", "--quiet", "agent/1-fix-login").code == 0  # the hook records it
    eventually(lambda: state(hostile) == "COMPLETED", lambda: state(hostile))
    assert not ran(hostile).exists(), ran(hostile).read_text()


def test_no_module_of_the_repository_runs_in_a_supervisor(stage: Stage) -> None:
    ran = stage.box.path.parent / "ran"
    stage.box.write("git_agent/__init__.py", f'open({str(ran)!r}, "w")\n')
    stage.spawn()
    env = {"PYTHONPATH": str(stage.box.path)}
    assert stage.box.run("git", "agent", "run", "1", "--detach", "--", "printenv", "PYTHONPATH", env=env).code == 0
    eventually(lambda: stage.where() == ("WORKING", "no_commits"), stage.where)
    assert not ran.exists() and stage.log() == f"{stage.box.path}\n"


@pytest.mark.parametrize("given", [None, "", ".", "/a:/b"])
def test_a_command_that_we_start_gets_the_variable_as_it_was(hostile: Sandbox, given: str | None) -> None:
    show = 'echo "<${PYTHONPATH-none}> ${GIT_AGENT_PYTHONPATH-none}"'
    said = hostile.run("git", "agent", "exec", "1", "--", "sh", "-c", show, env={"PYTHONPATH": given})
    assert said.out == f"<{'none' if given is None else given}> none\n"


@pytest.mark.parametrize("chain", [["there"], ["there", "../again/there"]], ids=len)
def test_a_link_to_the_command_is_as_good(hostile: Sandbox, chain: list[str]) -> None:
    place = hostile.path.parent / "again"
    place.mkdir()
    (place / "there").symlink_to(shutil.which("git-agent") or "")
    last = place / "there"
    for number, target in enumerate(chain[1:]):
        last = place / f"git-agent{number}"
        last.symlink_to(target)
    assert tried(hostile, ".", last, "list").code == 0
    assert hostile.run("sh", "-c", f"PATH={place}:$PATH; cd /; {last.name} --version").code == 0


def test_a_command_that_was_copied_alone_says_what_is_missing(repo: Sandbox, tmp_path: Path) -> None:
    alone = tmp_path / "git-agent"
    shutil.copy(shutil.which("git-agent") or "", alone)
    said = repo.run(alone, "list")
    assert (said.code, said.err.count("\n")) == (1, 2) and "install git-agent again" in said.err
    assert os.fspath(tmp_path) in said.err
