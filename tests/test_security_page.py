"""The page about security says what is true: its hook works, and what it calls stopped is stopped."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

PAGE = (Path(__file__).parents[1] / "docs/security.md").read_text()


@pytest.fixture
def pushed(repo: Sandbox, tmp_path: Path) -> Sandbox:
    """A server whose hook is the page's, with this user in the place of the agents'; task 1 has a commit."""
    server = tmp_path / "server.git"
    repo.git("clone", "--quiet", "--bare", str(repo.path), str(server))
    repo.git("remote", "add", "origin", str(server))
    [script] = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    user = pwd.getpwuid(os.getuid()).pw_name
    repo.write(server / "hooks/update", script.replace("= agents ]", f"= {user} ]")).chmod(0o755)
    repo.agent("spawn", "Work")
    repo.commit(repo.worktree(1), "a.txt", "a\n")
    return repo


def test_the_server_s_hook_accepts_task_branches_only(pushed: Sandbox) -> None:
    at = pushed.worktree(1)
    pushed.git("push", "--quiet", "origin", "agent/1-work", cwd=at)
    for where in ("main", "refs/tags/v1", "agent"):
        refused = pushed.run("git", "push", "--quiet", "origin", f"HEAD:{where}", cwd=at)
        assert refused.code and "agents push to agent/* only" in refused.err, where
    deleted = pushed.run("git", "push", "--quiet", "origin", ":main", cwd=at)
    assert deleted.code


def test_it_lets_everybody_else_push(pushed: Sandbox, tmp_path: Path) -> None:
    hook = tmp_path / "server.git/hooks/update"
    hook.write_text(re.sub(r"= \S+ \]", "= nobody-else ]", hook.read_text()))
    pushed.commit(None, "b.txt", "b\n")
    pushed.git("push", "--quiet", "origin", "main")


def test_a_worker_is_refused_what_the_page_says(repo: Sandbox) -> None:
    for title in ("One", "Two"):
        repo.agent("spawn", title)
    for verb in ("approve 2", "merge 2", "rm 2", "cancel 2", "trust", "doctor --fix"):
        repo.agent(*verb.split(), cwd=repo.worktree(1), exit=3)


def test_the_store_is_readable_by_its_owner_only(repo: Sandbox) -> None:
    repo.agent("init")
    assert repo.store.parent.stat().st_mode & 0o077 == repo.store.stat().st_mode & 0o077 == 0


def test_a_worker_can_move_a_base_with_git_and_the_page_does_not_deny_it(repo: Sandbox) -> None:
    repo.agent("spawn", "One")
    at = repo.worktree(1)
    tip = repo.commit(at, "a.txt", "a\n")
    repo.git("update-ref", "refs/heads/main", "HEAD", cwd=at)
    assert repo.git("rev-parse", "main") == tip and "move a base" in PAGE


def test_the_readme_leads_to_it() -> None:
    root = Path(__file__).parents[1]
    assert "docs/security.md" in (root / "README.md").read_text()
