"""The user's hooks run in `git agent merge` as in `git merge --no-ff`, and their veto counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox

HOOKS = ("pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg")


@pytest.fixture
def ready(repo: Sandbox) -> Sandbox:
    """Approve two tasks with a file each."""
    repo.agent("init")
    for number in (1, 2):
        repo.agent("spawn", f"Work {number}")
        repo.commit(repo.worktree(number), f"work-{number}.txt", f"{number}\n")
        repo.agent("done", str(number))
        repo.agent("approve", str(number))
    return repo


def hook(repo: Sandbox, name: str, *lines: str, directory: str = ".git/hooks") -> Path:
    path: Path = repo.write(f"{directory}/{name}", "\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)
    return path


def state(repo: Sandbox, number: int) -> str:
    found: str = repo.tasks()[number]["state"]
    return found


RUN = {"merge": HOOKS[1:], "squash": (HOOKS[0], *HOOKS[2:]), "rebase": (), "ff": ()}


@pytest.mark.parametrize("words", [[], ["--all"], ["--no-check"], ["--dry-run"]])
@pytest.mark.parametrize("strategy", RUN)
def test_each_strategy_runs_the_hooks_that_git_runs(
    ready: Sandbox, tmp_path: Path, strategy: str, words: list[str]
) -> None:
    ready.agent("cancel", "2")
    for name in HOOKS:
        hook(ready, name, f"echo {name} >>'{tmp_path}/ran'")
    ready.agent("merge", *([] if words == ["--all"] else ["1"]), "--strategy", strategy, *words)
    ran = (tmp_path / "ran").read_text().split() if (tmp_path / "ran").exists() else []
    assert tuple(ran) == RUN[strategy]


@pytest.mark.parametrize(
    ("strategy", "name"),
    [(strategy, name) for strategy in ("merge", "squash") for name in RUN[strategy]],
)
def test_the_veto_of_each_hook_stops_the_merge(ready: Sandbox, strategy: str, name: str) -> None:
    hook(ready, name, "echo forbidden by the house; exit 1")
    before = ready.git("rev-parse", "main")
    said = ready.agent("merge", "1", "--strategy", strategy, exit=3).err
    assert f"the {name} hook refused" in said and "forbidden by the house" in said
    assert (ready.git("rev-parse", "main"), state(ready, 1)) == (before, "APPROVED")
    (ready.path / ".git/hooks" / name).unlink()
    ready.agent("merge", "1", "--strategy", strategy)
    assert state(ready, 1) == "COMPLETED"


@pytest.mark.parametrize(("strategy", "name"), [("merge", "pre-merge-commit"), ("squash", "pre-commit")])
def test_a_hook_finds_the_result_checked_out_and_staged(
    ready: Sandbox, tmp_path: Path, strategy: str, name: str
) -> None:
    ready.commit(None, "since.txt", "since\n")
    base = ready.git("rev-parse", "main")
    ready.write("mine.txt", "not committed\n")
    asked = ("git rev-parse HEAD", "git diff --cached --name-only", "git status --short", "ls", "echo $GIT_EDITOR")
    hook(ready, name, f"({'; '.join(asked)}) >'{tmp_path}/seen'")
    ready.agent("merge", "1", "--strategy", strategy)
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen[:3] == [base, "work-1.txt", "A  work-1.txt"]
    assert {"since.txt", "work-1.txt", "README.md"} <= set(seen) and "mine.txt" not in seen
    assert seen[-1] == ":"


@pytest.mark.parametrize(("strategy", "name"), [("merge", "pre-merge-commit"), ("squash", "pre-commit")])
def test_what_a_hook_stages_does_not_land(ready: Sandbox, strategy: str, name: str) -> None:
    hook(ready, name, "echo x >by-hook.txt; echo x >work-1.txt; git add by-hook.txt work-1.txt")
    ready.agent("merge", "1", "2", "--strategy", strategy)
    assert ready.git("show", "main:work-1.txt") == "1"
    assert "by-hook.txt" not in ready.git("ls-tree", "--name-only", "main").split()


@pytest.mark.parametrize("strategy", ["merge", "squash"])
def test_prepare_commit_msg_learns_the_source_and_writes_the_message(ready: Sandbox, strategy: str) -> None:
    hook(ready, "prepare-commit-msg", 'echo "Prepared: $2, $(git diff --cached --name-only)" >>"$1"')
    hook(ready, "commit-msg", 'grep -q ^Prepared: "$1" && echo "Checked: yes" >>"$1"')
    ready.agent("merge", "1", "--strategy", strategy)
    said = ready.git("log", "-1", "--format=%B", "main")
    assert f"Prepared: {strategy}, work-1.txt\nChecked: yes" in said and "Agent-Task: 1" in said


def test_the_hooks_of_the_base_s_checkout_run_and_not_the_worker_s(ready: Sandbox, tmp_path: Path) -> None:
    ready.git("config", "core.hooksPath", ".githooks")
    hook(ready, "pre-merge-commit", f"echo base >>'{tmp_path}/ran'; exit 1", directory=".githooks")
    ready.git("add", ".githooks")
    ready.git("commit", "--quiet", "--message", "Add a hook")
    ready.agent("spawn", "Work 3")
    where = ready.worktree(3)
    ready.write(".githooks/pre-merge-commit", f"#!/bin/sh\necho worker >>'{tmp_path}/ran'\n", cwd=where)
    ready.git("commit", "--quiet", "--all", "--message", "Work", cwd=where)
    ready.agent("done", "3")
    ready.agent("approve", "3")
    ready.agent("merge", "3", exit=3)
    assert (tmp_path / "ran").read_text() == "base\n"


def test_hooks_run_when_the_base_is_checked_out_nowhere(ready: Sandbox, tmp_path: Path) -> None:
    ready.git("switch", "--quiet", "--create", "elsewhere")
    hook(ready, "pre-merge-commit", f"ls >'{tmp_path}/seen'; exit 1")
    ready.agent("merge", "1", exit=3)
    assert "work-1.txt" in (tmp_path / "seen").read_text().split()
    hook(ready, "pre-merge-commit", "exit 0")
    ready.agent("merge", "1")
    assert "work-1.txt" in ready.git("ls-tree", "--name-only", "main").split()


def test_a_hook_of_a_relative_directory_runs_when_the_base_is_checked_out_nowhere(ready: Sandbox) -> None:
    ready.git("switch", "--quiet", "--create", "elsewhere")
    ready.git("config", "core.hooksPath", ".githooks")
    hook(ready, "pre-merge-commit", "exit 1", directory=".githooks")
    ready.agent("merge", "1", exit=3)


def test_a_task_that_a_hook_refuses_is_left_out_of_a_queue(ready: Sandbox) -> None:
    hook(ready, "pre-merge-commit", "! test -e work-1.txt")
    ready.git("config", "agent.check", "true")
    found = {each["task"]: each for each in ready.agent_json("merge", "--all", exit=3)["results"]}
    assert (found[1]["outcome"], found[2]["outcome"]) == ("left_out", "merged")
    assert "the pre-merge-commit hook refused it" in found[1]["why"]
    assert (state(ready, 1), state(ready, 2)) == ("APPROVED", "COMPLETED")


def test_hooks_of_merges_at_once_never_overlap(ready: Sandbox, tmp_path: Path) -> None:
    hook(ready, "pre-merge-commit", f"mkdir '{tmp_path}/port' || exit 1", "sleep 0.3", f"rmdir '{tmp_path}/port'")
    ready.parallel([["merge", "1"], ["merge", "2"]])
    assert (state(ready, 1), state(ready, 2)) == ("COMPLETED", "COMPLETED")


def test_a_hook_that_does_not_end_is_ended(ready: Sandbox) -> None:
    ready.git("config", "agent.checkTimeout", "1s")
    hook(ready, "pre-merge-commit", "sleep 600")
    assert "the pre-merge-commit hook did not end within 1s" in ready.agent("merge", "1", exit=3).err
    assert state(ready, 1) == "APPROVED"


def test_a_hook_without_permission_to_run_is_ignored_as_in_git(ready: Sandbox) -> None:
    hook(ready, "pre-merge-commit", "exit 1").chmod(0o644)
    ready.agent("merge", "1")
    assert state(ready, 1) == "COMPLETED"
