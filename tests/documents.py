"""The printed documents: `python -m tests.documents` (`make docs`) writes them, tests/test_docs.py compares them.

In README.md and docs/tour.md every block marked `console` is a transcript: each `$ command` is typed in turn in a fresh
repository (that of the demo), and what a terminal shows is put below it. A new file begins in a new repository.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from git_agent.cli import manual
from git_agent.demo.project import demo_project
from git_agent.demo.stage import Stage, demo_stage
from git_agent.integrations import guide
from git_agent.render import docs
from git_agent.store.queries import printing
from tests import picture
from tests.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
HOME = "/home/ada"  # stands for the directory that the tour is played in
NOW = "2026-02-02T09:00:00"
# What truly varies: moments and ages.
VARYING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", f"{NOW}.000Z"),
    (r"\b(alive|late) \d+s", r"\1 2s"),
    (r"\(\d+s\)", "(2s)"),
    (r"(?<=  )\d+s(?=  )", "2s"),
    (r"\b\d+s ago\b", "2s ago"),
)


def played(text: str) -> str:
    """Return a document with its console blocks typed again."""
    with _stage() as stage:
        return re.sub(r"(?ms)^```console\n(.*?)^```$", lambda block: f"```console\n{_block(stage, block[1])}```", text)


@contextmanager
def _stage(colour: bool = False) -> Iterator[Stage]:
    """Return a stage with the repository in it; in tests its commands are forked warm."""
    with demo_stage(lambda said: None, None, colour) as stage:
        warm = [Sandbox.warm.directory] if Sandbox.warm else []
        stage = stage._replace(env={**stage.env, "PATH": os.pathsep.join([*warm, stage.env["PATH"]])})
        _prepare(stage)
        yield stage


def pictured() -> str:
    """Return the picture of `git agent status`."""
    with _stage(colour=True) as stage:
        return picture.status(stage)


def squeezed(text: str) -> str:
    """Return a text without what an age of two digits changes in a table."""
    return re.sub(r" +", " ", text)


def _prepare(stage: Stage) -> None:
    stage.write("history", demo_project())
    stage.ask("git init --quiet --template= --initial-branch=main shelf", cwd="")
    stage.ask("git fast-import --quiet --done <../history && git checkout --quiet main")
    stage.ask("git config user.name 'Ada Lovelace' && git config user.email ada@example.org")
    stage.ask("rm ../history")
    stage.write(".cwd", f"{stage.root}/shelf\n")
    stage.write(".status", "0\n")


def _block(stage: Stage, block: str) -> str:
    shown = ""
    for command in re.findall(r"(?m)^\$ .*\n(?:> .*\n)*", block):
        lines = [line.rstrip() for line in _type(stage, re.sub(r"(?m)^[$>] ", "", command))]
        assert not any(line.startswith("Traceback") for line in lines), "\n".join([command, *lines])
        shown += command + "".join(f"{line}\n" for line in lines)
    return shown


def _type(stage: Stage, command: str) -> Iterator[str]:
    cwd, status = (Path(stage.root, name).read_text().strip() for name in (".cwd", ".status"))
    home = shlex.quote(stage.root)
    # Without background looks: what the next command shows would depend on who was quicker.
    line = f"export GIT_AGENT_HOOKS=0 GIT_AUTHOR_DATE={NOW}Z GIT_COMMITTER_DATE={NOW}Z OLDPWD={home}/shelf\n"
    line += f"cd {shlex.quote(cwd)}\n"
    line += f"(exit {status})\n{command}\nstatus=$?; pwd >{home}/.cwd; echo $status >{home}/.status"
    for text in stage.ask(line, cwd="", table=True):
        text = text.replace(stage.root, HOME)
        for pattern, instead in VARYING:
            text = re.sub(pattern, instead, text)
        yield text


def example() -> Mapping[str, object]:
    """Return a Task object as `git agent show --json` prints it."""
    with _stage() as stage:
        for command in ('git agent spawn "Fix login" --agent ben', "git agent heartbeat 1 -m 'reading the code'"):
            list(_type(stage, command))
        (line,) = stage.ask("GIT_AGENT_HOOKS=0 git agent show 1 --json")
    task: dict[str, object] = json.loads(line.replace(stage.root, HOME))["task"]
    fixed = {"created_at": f"{NOW}.000Z", "state_at": f"{NOW}.000Z", "beat_age_s": 2.0, "progress_age_s": 2.0}
    worker = {**task["worker"], "host": "analytical-engine"}  # type: ignore[dict-item]
    return {**task, **fixed, "worker": worker}


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "README.md": lambda: played((ROOT / "README.md").read_text()),
    "docs/tour.md": lambda: played((ROOT / "docs/tour.md").read_text()),
    "docs/pictures/status.svg": pictured,
    "docs/states.md": docs.states_page,
    "docs/config.md": docs.config_page,
    "docs/doctor.md": docs.doctor_page,
    "docs/json.md": lambda: docs.json_page(example()),
    "docs/SKILL.md": guide.skill,
    "docs/cli.md": manual.reference,
    "docs/man/git-agent.1": manual.page,
    "git_agent/store/statements.py": printing.printed,
}


if __name__ == "__main__":
    for name, printed in DOCUMENTS.items():
        (ROOT / name).write_text(printed())
