"""With merge.verifySignatures, the tip of the branch must be signed, in every strategy; our own commit need not be."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")
STRATEGIES = ("merge", "squash", "rebase", "ff")


def make_key(repo: Sandbox, path: Path) -> Path:
    assert repo.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path).code == 0
    return path


@pytest.fixture
def signing(repo: Sandbox, tmp_path: Path) -> Sandbox:
    """Verify signatures, and know Ada's key."""
    key = make_key(repo, tmp_path / "key")
    signers = repo.write(tmp_path / "signers", f"ada@example.org {key.with_suffix('.pub').read_text()}")
    for name, value in (("gpg.format", "ssh"), ("user.signingKey", key), ("gpg.ssh.allowedSignersFile", signers)):
        repo.git("config", name, str(value))
    repo.git("config", "merge.verifySignatures", "true")
    repo.agent("init")
    return repo


def approve(repo: Sandbox, number: int, *how: str) -> str:
    """Approve a task whose one commit was made with options of git; return its branch."""
    repo.agent("spawn", f"Work {number}")
    where = repo.worktree(number)
    repo.write(f"work-{number}.txt", "work\n", cwd=where)
    repo.git("add", ".", cwd=where)
    repo.git(*how[:-1], "commit", "--quiet", "--message", "Work", *how[-1:], cwd=where)
    repo.agent("done", str(number))
    repo.agent("approve", str(number))
    branch: str = repo.tasks()[number]["branch"]
    return branch


def state(repo: Sandbox, number: int) -> str:
    found: str = repo.tasks()[number]["state"]
    return found


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_signed_branch_lands_although_our_commit_is_not_signed(
    signing: Sandbox, strategy: str, elsewhere: bool
) -> None:
    approve(signing, 1, "-S")
    if elsewhere:
        signing.git("switch", "--quiet", "--create", "elsewhere")
    signing.agent("merge", "1", "--strategy", strategy)
    assert "work-1.txt" in signing.git("ls-tree", "--name-only", "main").split()


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_unsigned_branch_does_not_land_although_our_commit_is_signed(
    signing: Sandbox, strategy: str, elsewhere: bool
) -> None:
    approve(signing, 1, "--no-gpg-sign")
    if elsewhere:
        signing.git("switch", "--quiet", "--create", "elsewhere")
    signing.git("config", "commit.gpgSign", "true")
    before = signing.git("rev-parse", "main")
    said = signing.agent("merge", "1", "--strategy", strategy, exit=3).err
    assert "is not signed (merge.verifySignatures)" in said
    assert (signing.git("rev-parse", "main"), state(signing, 1)) == (before, "APPROVED")


def test_the_command_of_the_hint_signs_it_and_keeps_the_approval(signing: Sandbox) -> None:
    approve(signing, 1, "--no-gpg-sign")
    hint = signing.agent_json("merge", "1", exit=3)["error"]["hint"]
    assert f"git -C {shlex.quote(str(signing.worktree(1)))} commit --amend --no-edit -S" in hint
    signing.git("commit", "--quiet", "--amend", "--no-edit", "-S", cwd=signing.worktree(1))
    signing.agent("merge", "1")
    assert state(signing, 1) == "COMPLETED"


def test_a_queue_leaves_out_what_is_not_signed(signing: Sandbox) -> None:
    approve(signing, 1, "--no-gpg-sign")
    approve(signing, 2, "-S")
    found = {each["task"]: each for each in signing.agent_json("merge", "--all", exit=3)["results"]}
    assert (found[1]["outcome"], found[2]["outcome"]) == ("left_out", "merged")
    assert "is not signed" in found[1]["why"]


@pytest.mark.parametrize(("option", "code"), [("--verify-signatures", 3), ("--no-verify-signatures", 0)])
def test_options_of_the_base_decide_before_the_setting(signing: Sandbox, option: str, code: int) -> None:
    signing.git("config", "merge.verifySignatures", "false" if code else "true")
    signing.git("config", "branch.main.mergeOptions", f"--no-ff {option}")
    approve(signing, 1, "--no-gpg-sign")
    signing.agent("merge", "1", exit=code)


@pytest.mark.parametrize("value", ["yes", "1", "On"])
def test_the_setting_is_read_as_git_reads_it(signing: Sandbox, value: str) -> None:
    signing.git("config", "merge.verifySignatures", value)
    approve(signing, 1, "--no-gpg-sign")
    signing.agent("merge", "1", exit=3)


@pytest.mark.parametrize("trust", [None, "undefined", "marginal", "fully", "ultimate"])
@pytest.mark.parametrize("kind", ["signed", "stranger", "unsigned", "forged"])
def test_what_git_merge_accepts_is_accepted(signing: Sandbox, tmp_path: Path, kind: str, trust: str | None) -> None:
    if trust is not None:
        signing.git("config", "gpg.minTrustLevel", trust)
    how = {"unsigned": ["--no-gpg-sign"], "stranger": ["-c", "user.signingKey=", "-S"]}.get(kind, ["-S"])
    if kind == "stranger":
        how[1] += str(make_key(signing, tmp_path / "other"))
    branch = approve(signing, 1, *how)
    if kind == "forged":
        text = signing.git("cat-file", "commit", branch).replace("\n\nWork", "\n\nOther work") + "\n"
        raw = signing.write(tmp_path / "commit", text)
        forged = signing.git("hash-object", "-t", "commit", "-w", str(raw))
        signing.git("reset", "--quiet", "--hard", forged, cwd=signing.worktree(1))
    git_s = Sandbox(tmp_path / "beside")
    signing.git("worktree", "add", "--quiet", "--detach", str(git_s.path), "main")
    accepted = git_s.run("git", "merge", "--quiet", "--ff-only", branch).code == 0
    result = signing.agent("merge", "1", exit=None)
    assert (result.code == 0) == accepted, (result.err, accepted)
