"""PWD: every program that we start gets the directory that it runs in, and no OLDPWD, wherever the caller stood."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.running.stage import WORK, Stage, eventually
from tests.running.stage import stage as stage

SHOW = ("python3", "-c", "import os; print(os.environ.get('PWD'), os.environ.get('OLDPWD'))")


def caller(stage: Stage) -> dict[str, str]:
    """Return what the shell of a person has who went from a directory to the main worktree."""
    return {"PWD": str(stage.box.path), "OLDPWD": str(stage.box.path / "src")}


def script(stage: Stage, name: str) -> tuple[Path, Path]:
    """Write a program, no shell, that notes both variables; return it, and the file in which it does."""
    noted, made = stage.box.path.parent / f"{name}.noted", stage.box.path.parent / name
    made.write_text(
        "#!/usr/bin/env python3\nimport os\n"
        f"open({str(noted)!r}, 'a').write(f\"{{os.environ.get('PWD')}} {{os.environ.get('OLDPWD')}}\\n\")\n"
    )
    made.chmod(0o755)
    return made, noted


@pytest.mark.parametrize("start", [["run", "1"], ["exec", "1"], ["-C", "src", "exec", "1"], ["-C", "..", "exec", "1"]])
def test_a_command_in_a_worktree_is_told_where_it_runs(stage: Stage, start: list[str]) -> None:
    where = stage.spawn()
    cwd = stage.box.path / "src" if ".." in start else None
    assert stage.box.agent(*start, "--", *SHOW, env=caller(stage), cwd=cwd, exit=None).out == f"{where} None\n"


@pytest.mark.parametrize("start", [["run", "1", "--detach"], ["spawn", "1"], ["spawn", "1", "--run", "--agent", "me"]])
def test_an_agent_in_the_background_is_told_where_it_runs(stage: Stage, start: list[str]) -> None:
    stage.box.git("config", "agent.run.me", str(script(stage, "me")[0]))
    stage.box.agent("add", "Fix login")
    words = [] if "--run" in start else ["--", *SHOW]
    stage.box.agent(*start, *words, env=caller(stage))
    eventually(lambda: stage.where() == ("WORKING", "no_commits"), stage.where)
    where = f"{stage.task()['worktree']} None\n"
    assert (stage.log() or (stage.box.path.parent / "me.noted").read_text()) == where


def test_setup_hook_and_filter_of_a_new_worktree_are_told_where_they_run(stage: Stage) -> None:
    setup, hook, smudge = (script(stage, name) for name in ("setup", "hook", "smudge"))
    stage.box.git("config", "agent.setup", f"exec {str(setup[0])!r}")
    stage.box.write(".git/hooks/post-checkout", f"#!/bin/sh\nexec {str(hook[0])!r}\n").chmod(0o755)
    stage.box.git("config", "filter.f.smudge", f"cat; exec {str(smudge[0])!r}")
    stage.box.commit(None, ".gitattributes", "*.md filter=f\n")
    where = stage.box.agent("spawn", "Fix login", env=caller(stage)).out.strip()
    for _, noted in (setup, hook, smudge):
        assert set(noted.read_text().splitlines()) == {f"{where} None"}, noted


def test_check_and_notifier_are_told_where_they_run(stage: Stage) -> None:
    check, notify = script(stage, "check"), script(stage, "notify")
    stage.box.git("config", "agent.check", f"exec {str(check[0])!r}")
    stage.box.git("config", "agent.notify", f"exec {str(notify[0])!r}")
    stage.spawn()
    stage.box.agent("run", "1", "--", "sh", "-c", WORK, env=caller(stage))
    eventually(notify[1].exists, lambda: "notify")
    assert set(notify[1].read_text().splitlines()) == {f"{stage.box.path} None"}
    for verb in ("approve", "merge"):
        stage.box.agent(verb, "1", env=caller(stage))
    (said,) = check[1].read_text().splitlines()
    assert "/git-agent/" in said and said.endswith(" None") and os.fspath(stage.box.path) in said
