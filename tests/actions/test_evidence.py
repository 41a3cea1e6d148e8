"""A worker that leaves its worktree and its token behind acts as a person, and leaves evidence in the events."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

PLAIN = {"PWD": None, "OLDPWD": None}


def in_review(repo: Sandbox, *titles: str) -> None:
    for number, title in enumerate(titles, 1):
        repo.agent("spawn", title)
        repo.commit(repo.worktree(number), f"{number}.txt", f"{number}\n")
        repo.agent("done", str(number))


def evidence(repo: Sandbox, task: int, kind: str = "task.approved") -> list[str]:
    """Return the evidence of a task's last event of a kind."""
    lines = repo.agent("log", str(task), "--json", env=PLAIN).out.splitlines()
    events = [found for line in lines if (found := json.loads(line).get("event"))]
    return list(next(each["data"].get("evidence", []) for each in reversed(events) if each["kind"] == kind))


def typed(repo: Sandbox, at: Path, command: str) -> None:
    """Run a command in a shell that stands somewhere, without the variables of the test's own shell."""
    result = repo.run("sh", "-c", f"{command}; exit $?", cwd=at, env=PLAIN)
    assert result.code == 0, result


def test_a_person_s_approval_has_none(repo: Sandbox) -> None:
    in_review(repo, "One", "Two")
    repo.agent("approve", "1", env={"PWD": str(repo.path), "OLDPWD": "/"})
    (repo.path / "src").mkdir(exist_ok=True)
    repo.agent("approve", "2", cwd=repo.path / "src", env=PLAIN)
    assert evidence(repo, 1) == evidence(repo, 2) == []


@pytest.mark.parametrize("name", ["PWD", "OLDPWD"])
def test_a_shell_that_stood_in_a_worktree_is_noted_and_shown(repo: Sandbox, name: str) -> None:
    in_review(repo, "One", "Two")
    repo.agent("approve", "1", env={**PLAIN, name: str(repo.worktree(2) / "src")})
    said = f"{name} was the worktree of task 2"
    assert evidence(repo, 1) == [said]
    assert f"task.approved 1 IN_REVIEW -> APPROVED by Ada Lovelace ({said})" in repo.agent("show", "1").out
    assert said in repo.agent("log", "1").out


def test_git_s_own_option_for_another_directory_is_noted(repo: Sandbox) -> None:
    in_review(repo, "One")
    typed(repo, repo.worktree(1), f"git -C {shlex.quote(str(repo.path))} agent approve 1")
    assert any("the worktree of task 1" in line for line in evidence(repo, 1))


def test_a_process_above_that_stands_in_a_worktree_is_noted(repo: Sandbox) -> None:
    in_review(repo, "One")
    typed(repo, repo.worktree(1), f"(unset PWD OLDPWD; cd {shlex.quote(str(repo.path))}; env -i PATH=\"$PATH\" HOME=\"$HOME\" git agent approve 1)")  # fmt: skip  # noqa: E501
    [said] = [line for line in evidence(repo, 1) if line.startswith("process ")]
    assert said.endswith("above it is in the worktree of task 1")


def test_a_dropped_token_is_noted(repo: Sandbox) -> None:
    in_review(repo, "One")
    main = shlex.quote(str(repo.path))
    script = f'cd {main}; env -i PATH="$PATH" HOME="$HOME" PWD={main} git agent approve 1; exit 1'
    repo.agent("spawn", "Two")
    repo.agent("run", "2", "--", "sh", "-c", script, exit=1)
    assert any(line.endswith("above it has the token of a worker") for line in evidence(repo, 1))


def test_a_worktree_made_by_hand_after_workers_began_is_noted(repo: Sandbox, tmp_path: Path) -> None:
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "before"))
    in_review(repo, "One", "Two")
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "after"), cwd=repo.worktree(1))
    repo.agent("approve", "1", cwd=tmp_path / "before", env=PLAIN)
    repo.agent("approve", "2", cwd=tmp_path / "after", env=PLAIN)
    assert evidence(repo, 1) == []
    assert evidence(repo, 2) == [f"it was typed in the worktree {tmp_path / 'after'}, which was made by hand after workers began"]  # fmt: skip  # noqa: E501


def test_the_events_of_every_verb_have_it(repo: Sandbox) -> None:
    in_review(repo, "One", "Two", "Three")
    env = {**PLAIN, "OLDPWD": str(repo.worktree(3))}
    for words in (
        "approve 1",
        "request-changes 2 -m No",
        "merge 1",
        "cancel 2",
        "rm 2 --unmerged",
    ):
        repo.agent(*words.split(), env=env)
    said = ["OLDPWD was the worktree of task 3"]
    kinds = [(1, "task.approved"), (2, "task.changes-requested"), (1, "task.merged"), (2, "task.cancelled")]
    assert [evidence(repo, task, kind) for task, kind in kinds] == [said] * 4


def test_a_message_with_it_is_not_verified(repo: Sandbox) -> None:
    in_review(repo, "One", "Two")
    for env in (PLAIN, {**PLAIN, "PWD": str(repo.worktree(2))}, {**PLAIN, "OLDPWD": str(repo.worktree(2))}):
        repo.agent("send", "1", "Please merge", env=env)
    inbox = repo.agent_json("inbox", "--as", "1", "--peek")["messages"]
    assert [each["verified"] for each in inbox] == [True, False, True]


def test_a_worker_s_own_events_and_git_s_have_none(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    at = repo.worktree(1)
    repo.commit(at, "a.txt", "a\n")
    repo.agent("done", cwd=at, env={"PWD": str(at)})
    assert evidence(repo, 1, "task.done") == evidence(repo, 1, "task.started") == []


def test_old_evidence_is_still_shown(repo: Sandbox) -> None:
    in_review(repo, "One", "Two")
    repo.agent("approve", "1", env={**PLAIN, "PWD": str(repo.worktree(2))})
    for priority in "01230123":
        repo.agent("edit", "1", "--priority", priority, env=PLAIN)
    assert "task.approved by Ada Lovelace: PWD was the worktree of task 2" in repo.agent("show", "1").out


def test_a_refusal_does_not_tell_a_worker_where_it_would_not_be_refused(repo: Sandbox) -> None:
    in_review(repo, "One")
    for verb in ("approve 1", "merge 1", "cancel 1", "trust", "doctor --fix", "clean -y", "rm 1"):
        said = repo.agent(*verb.split(), cwd=repo.worktree(1), exit=3).err
        hint = said.partition("hint: ")[2]
        assert hint and str(repo.path) + "/" not in hint and "-C " not in hint and "main worktree" not in hint, said
