"""`doctor` says what stands in the way before a command needs it: a base that was renamed, a full disk."""

from __future__ import annotations

import pytest

from tests.actions.test_full_disks import FULL, script
from tests.actions.test_full_disks import mounts as mounts
from tests.sandbox import Sandbox


def test_the_new_name_of_a_renamed_base_is_in_the_error_and_in_doctor(repo: Sandbox) -> None:
    repo.git("config", "agent.base", "main")
    repo.agent("init")
    repo.git("branch", "-m", "main", "trunk")
    said = repo.agent("spawn", "Fix login", exit=1).err
    assert "there is no branch 'main' here: it was renamed to 'trunk'" in said
    assert "hint: git config agent.base trunk\n" in said
    [found] = repo.agent_json("doctor", exit=1)["findings"]
    assert found["what"] == "agent.base: there is no branch 'main' here: it was renamed to 'trunk'"
    assert found["fix"] == "git config --unset-all agent.base, or git config agent.base trunk"
    repo.git("config", "agent.base", "trunk")
    assert repo.agent_json("doctor")["findings"] == []
    repo.agent("spawn", "Fix login")


def test_also_of_a_base_that_is_given_and_one_that_was_renamed_twice(repo: Sandbox) -> None:
    repo.git("branch", "dev")
    repo.git("branch", "-m", "dev", "develop")
    repo.git("branch", "-m", "develop", "next")
    assert "hint: --base next\n" in repo.agent("add", "Fix login", "--base", "dev", exit=1).err


def test_a_configured_base_that_never_was_is_found(repo: Sandbox) -> None:
    repo.agent("init")
    repo.git("config", "agent.base", "nowhere")
    [found] = repo.agent_json("doctor", exit=1)["findings"]
    assert found["what"] == "agent.base: there is no branch 'nowhere' here"


@pytest.mark.usefixtures("mounts")
def test_a_full_disk_is_noted(repo: Sandbox) -> None:
    repo.agent("init")
    repo.git("config", "agent.worktreeDir", str(repo.path.parent / "disk/wt"))
    fill = f"mkdir disk; mount -t tmpfs -o size=1500k none disk; {FULL}; cd '{repo.path}'; git agent doctor"
    found = script(repo, fill)
    assert found.code == 0 and f"the disk of {repo.path.parent / 'disk'} is full" in found.out + found.err, found
    assert "is full" not in repo.agent("doctor").out
