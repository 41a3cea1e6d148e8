"""When a commit can't be signed, the program that failed is named, and nothing has changed."""

from __future__ import annotations

import pytest

from tests.faults.world import Worlds
from tests.sandbox import Sandbox

SILENT = "it does not say why"
WAYS = {
    "a program that fails": (("gpg.program=false",), f"false did not sign the commit: {SILENT}"),
    "a program that is not there": (
        ("gpg.program=/nowhere/gpg",),
        "/nowhere/gpg did not sign the commit: cannot run /nowhere/gpg: No such file or directory",
    ),
    "the newer key": (("gpg.openpgp.program=false",), f"false did not sign the commit: {SILENT}"),
    "x509": (("gpg.format=x509", "gpg.x509.program=false"), f"false did not sign the commit: {SILENT}"),
    "ssh without a key": (
        ("gpg.format=ssh", "user.signingKey=/nowhere/key"),
        "ssh-keygen did not sign the commit: Couldn't load public key /nowhere/key: No such file or directory",
    ),
    "ssh that fails": (
        ("gpg.format=ssh", "gpg.ssh.program=false", "user.signingKey=/nowhere/key"),
        f"false did not sign the commit: {SILENT}",
    ),
    "ssh without a setting": (("gpg.format=ssh",), "ssh-keygen did not sign the commit: either user.signingkey or"),
}


def _approved(repo: Sandbox) -> None:
    repo.agent("spawn", "Fix login")
    repo.commit(repo.worktree(1), "1.txt", "x\n")
    repo.agent("done", "1")
    repo.agent("approve", "1")
    repo.commit(None, "2.txt", "x\n")
    repo.git("config", "commit.gpgSign", "true")


@pytest.fixture
def approved(repo: Sandbox, worlds: Worlds) -> Sandbox:
    """Task 1 is approved, its base has moved, and commits are to be signed."""
    return worlds.lend(repo, _approved)


def error(repo: Sandbox, verb: str, *args: str) -> str:
    found = repo.agent_json(verb, *args, exit=1)["error"]
    assert found["code"] == "not-signed" and "git commit-tree -S" in found["hint"]
    message: str = found["message"]
    return message


@pytest.mark.parametrize("way", WAYS)
def test_merge_names_the_program_that_did_not_sign(approved: Sandbox, way: str) -> None:
    settings, said = WAYS[way]
    for each in settings:
        approved.git("config", *each.split("=", 1))
    assert error(approved, "merge", "1").startswith(said)
    assert approved.tasks()[1]["state"] == "APPROVED" and approved.worktree(1).is_dir()


@pytest.mark.parametrize("strategy", ["squash", "rebase"])
def test_also_with_other_strategies(approved: Sandbox, strategy: str) -> None:
    approved.git("config", "gpg.program", "false")
    assert error(approved, "merge", "1", "--strategy", strategy) == f"false did not sign the commit: {SILENT}"
    approved.git("config", "commit.gpgSign", "false")  # as the hint says
    approved.agent("merge", "1", "--strategy", strategy)


def test_and_when_a_worker_hands_in_with_a_rebase(approved: Sandbox) -> None:
    approved.git("config", "gpg.program", "false")
    approved.agent("request-changes", "1", "-m", "Rebase it")
    assert error(approved, "done", "1", "--rebase") == f"false did not sign the commit: {SILENT}"


def test_an_error_of_another_kind_keeps_its_words(approved: Sandbox) -> None:
    approved.git("config", "gpg.program", "false")
    approved.write(".git/hooks/commit-msg", "#!/bin/sh\nexit 1\n").chmod(0o755)
    assert approved.agent_json("merge", "1", exit=3)["error"]["code"] == "hook-refused"
