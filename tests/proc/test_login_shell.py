"""Where codex is used, `doctor` asks the login shell of the account for git-agent. Nothing of the repository runs."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox import Sandbox

SHELL = pwd.getpwuid(os.getuid()).pw_shell
LOST = "PATH=/usr/bin:/bin; export PATH\n"

pytestmark = [
    pytest.mark.skipif(os.path.basename(SHELL) not in ("bash", "sh", "dash"), reason=f"the login shell is {SHELL}"),
    pytest.mark.skipif(shutil.which("codex") is not None, reason="codex is on PATH"),
]


class Account:
    """The home of somebody whose login shell reads .profile, with a repository in which codex is an agent."""

    def __init__(self, repo: Sandbox) -> None:
        self.repo, self.home = repo, repo.path.parent / "home"
        self.home.mkdir()
        repo.agent("init")
        repo.git("config", "agent.run.codex", "codex exec {prompt}")

    def profile(self, text: str) -> None:
        (self.home / ".profile").write_text(text)

    def findings(self, **env: str) -> list[Any]:
        """Return what doctor finds about the login shell."""
        said = self.repo.agent("doctor", "--json", env={"HOME": str(self.home), **env}, exit=None)
        return [each for each in said.json()["findings"] if each["code"] == "path-login"]


@pytest.fixture
def account(repo: Sandbox) -> Account:
    return Account(repo)


def test_the_finding_names_the_shell_and_its_command_adds_the_line(account: Account) -> None:
    account.profile(LOST)
    [found] = account.findings()
    assert found["what"] == f"a login shell ({SHELL} -lc) does not find git-agent"
    assert found["fix"].endswith(">> ~/.profile") and "export PATH=" in found["fix"]
    assert account.repo.run("sh", "-c", found["fix"], env={"HOME": str(account.home)}).code == 0
    assert account.findings() == []


@pytest.mark.skipif(os.path.basename(SHELL) != "bash", reason="only bash has several profiles")
def test_the_line_goes_into_the_profile_that_is_read(account: Account) -> None:
    account.profile("")
    (account.home / ".bash_login").write_text(LOST)
    [found] = account.findings()
    assert found["fix"].endswith(">> ~/.bash_login")


def test_a_profile_that_prints_does_not_confuse_it(account: Account) -> None:
    own = Path(shutil.which("git-agent") or "").parent
    account.profile(f"echo hello; echo /etc; PATH='{own}':/usr/bin:/bin; export PATH\n")
    assert account.findings() == []


def test_another_installation_is_named(account: Account) -> None:
    other = account.repo.write("../other/git-agent", "#!/bin/sh\n")
    other.chmod(0o755)
    account.profile(f"PATH='{other.parent}':/usr/bin:/bin; export PATH\n")
    [found] = account.findings()
    assert f"finds {other}, but this is " in found["what"]


@pytest.mark.rest
def test_a_profile_that_hangs_is_ended_and_named(account: Account) -> None:
    account.profile("sleep 600\n")
    [found] = account.findings()
    assert found["what"] == f"a login shell ({SHELL} -lc) does not answer within 5 s"


def test_nothing_of_the_repository_runs(account: Account) -> None:
    repo, ran = account.repo, account.home / "ran"
    for name in ("start", "bin/uname"):
        repo.write(name, f"#!/bin/sh\necho {name} >> '{ran}'\n").chmod(0o755)
    account.profile(f"uname >/dev/null\n{LOST}")
    starts = {name: str(repo.path / "start") for name in ("BASH_ENV", "ENV", "SHELL")}
    path = f"{repo.path / 'bin'}:./bin:{os.environ['PATH']}"
    assert len(account.findings(**starts, PATH=path)) == 1
    assert not ran.exists()


def test_without_codex_no_shell_is_started(account: Account) -> None:
    account.repo.git("config", "agent.run.codex", "claude -p {prompt}")
    account.profile(f"touch '{account.home}/ran'\n{LOST}")
    assert account.findings() == [] and not (account.home / "ran").exists()
