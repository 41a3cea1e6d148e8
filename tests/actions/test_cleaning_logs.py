"""What finished tasks printed is deleted with `clean --logs`, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sandbox import Sandbox

BIG = "yes | head -c 2000000; echo x >$GIT_AGENT_TASK; git add .; git commit -qm x"


@pytest.fixture
def printed(repo: Sandbox) -> Sandbox:
    """Return a repository where tasks 1 and 2 printed two megabytes each; task 1 and its check are done."""
    repo.git("config", "agent.check", "echo checked")
    for task in "12":
        repo.agent("spawn", f"Task {task}")
        repo.agent("run", task, "--", "sh", "-c", BIG)
    repo.agent("approve", "1")
    repo.agent("merge", "1")
    return repo


def logs(repo: Sandbox) -> list[str]:
    return sorted(path.name for path in Path(repo.path, ".git/git-agent/logs").iterdir())


@pytest.mark.rest
def test_the_logs_of_finished_tasks_go_and_others_stay(printed: Sandbox) -> None:
    assert logs(printed) == ["1.1.log", "1.check.log", "2.1.log"]
    printed.agent("clean")
    assert len(logs(printed)) == 3
    said = printed.agent("clean", "--logs").out
    assert "deleted 2 logs (1.9 MB)" in said and logs(printed) == ["2.1.log"]
    assert printed.agent_json("clean", "--logs")["logs"] == {}
    assert "hint: " in printed.agent("logs", "1", exit=1).err


@pytest.mark.rest
def test_a_dry_run_deletes_nothing_and_age_counts(printed: Sandbox) -> None:
    assert "would delete 2 logs" in printed.agent("clean", "--logs", "-n").out
    printed.agent("clean", "--logs", "--older-than", "1h")
    assert len(logs(printed)) == 3


@pytest.mark.rest
def test_doctor_names_their_size(printed: Sandbox) -> None:
    assert "the logs of finished tasks take 1 MB: git agent clean --logs" in printed.agent("doctor").out
    printed.agent("clean", "--logs")
    assert "clean --logs" not in printed.agent("doctor").out


@pytest.mark.rest
def test_what_is_still_written_stays(printed: Sandbox) -> None:
    printed.agent("start", "2")
    printed.agent("run", "2", "--detach", "--", "sh", "-c", "echo begun; sleep 100")
    printed.agent("cancel", "2")
    printed.agent("clean", "--logs")
    assert logs(printed) == ["2.1.log"]
    printed.agent("stop", "2")
    printed.agent("clean", "--logs")
    assert logs(printed) == []
