"""In a locale that is not UTF-8, names and texts are the same bytes, and nothing false is recorded."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

TITLE = "日本語 Käse 功許"
VERBS = ("list", "list --json", "show 1", "path 1", "prime 1", "doctor", "heartbeat 1 -m x", "diff 1", "log", "sync")


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with locales of other encodings."""
    made = tmp_path_factory.mktemp("locales")
    for source, encoding in (("en_US", "ISO-8859-1"), ("ja_JP", "EUC-JP"), ("zh_TW", "BIG5"), ("zh_CN", "GB18030")):
        path = made / f"{source}.{encoding}"
        command = ["localedef", "-i", source, "-f", encoding, path]
        if not shutil.which("localedef") or subprocess.run(command, capture_output=True).returncode > 1:
            pytest.skip("localedef, or the sources of locales, are not installed")
    return made


@pytest.fixture(params=["en_US.ISO-8859-1", "ja_JP.EUC-JP", "zh_TW.BIG5", "zh_CN.GB18030", "C, without coercion"])
def env(request: pytest.FixtureRequest, locales: Path) -> Mapping[str, str]:
    """Return the environment of each locale."""
    if request.param.startswith("C"):
        return {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return {"LOCPATH": str(locales), "LC_ALL": request.param}


@pytest.mark.rest
def test_no_verb_minds_the_locale(repo: Sandbox, env: Mapping[str, str]) -> None:
    repo.agent("spawn", TITLE)
    expected = {verb: repo.agent(*verb.split(), exit=None) for verb in ("path 1", "diff 1", "doctor")}
    for verb in VERBS:
        said = repo.run("git-agent", *verb.split(), env=env)
        assert (said.code, "Traceback" in said.err) == (0, False), said
        if verb in expected:
            assert said.out == expected[verb].out
    assert "worktree-removed" not in repo.agent("log", "--json").out


@pytest.mark.rest
def test_a_task_can_be_worked_on_from_spawn_to_merge(repo: Sandbox, env: Mapping[str, str]) -> None:
    assert repo.run("git-agent", "spawn", TITLE, env=env).code == 0
    (task,) = repo.tasks().values()
    assert task["title"] == TITLE and Path(task["worktree"]).is_dir()
    repo.commit(Path(task["worktree"]), "功許.txt", "功許\n", TITLE)
    for verb in ("done 1", "approve 1", "merge 1", "undo", "merge 1", "add --title 功許"):
        said = repo.run("git-agent", *verb.split(), env=env)
        assert said.code == 0, said
    assert repo.tasks()[1]["state"] == "COMPLETED" and repo.tasks()[2]["title"] == "功許"
    assert not Path(task["worktree"]).exists()


def test_a_worker_is_known_in_a_directory_with_such_a_name(repo: Sandbox, env: Mapping[str, str]) -> None:
    home = Sandbox(repo.path.rename(repo.path.with_name("功許 é")))
    home.agent("spawn", TITLE)
    tree = home.worktree(1)
    said = home.run("git-agent", "inbox", cwd=tree, env=env)
    assert said.code == 0, said
    home.commit(tree, "é.txt", "é\n")
    assert home.run("git-agent", "done", cwd=tree, env=env).code == 0
    assert home.tasks()[1]["state"] == "IN_REVIEW"


def test_a_check_runs_in_the_callers_locale(repo: Sandbox, env: Mapping[str, str]) -> None:
    repo.agent("spawn", "One")
    repo.commit(repo.worktree(1), "1.txt", "one\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    said = repo.path.parent / "said"
    repo.git("config", "agent.check", f"echo $LC_ALL $PYTHONUTF8 >{shlex.quote(str(said))}")
    assert repo.run("git-agent", "merge", "1", env=env).code == 0
    assert said.read_text().split() == [env[name] for name in ("LC_ALL", "PYTHONUTF8") if name in env]
