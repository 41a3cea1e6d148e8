"""hooks_everywhere: what git runs in each worktree, as asked in each of them, also where they differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from git_agent.git.hooks.everywhere import hooks_everywhere
from git_agent.git.hooks.install import effective_hooks
from git_agent.git.repo import Repo
from tests.sandbox import Sandbox


def _relative(repo: Sandbox) -> None:
    """One worktree's branch has a directory of hooks, the other's has none."""
    repo.git("config", "core.hooksPath", "hooks")
    hook = repo.worktree(2) / "hooks/pre-push"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)


def _condition(repo: Sandbox) -> None:
    other = repo.path / ".git/other"
    other.write_text("[core]\n\thooksPath = /nonexistent\n")
    repo.git("config", "includeIf.onbranch:agent/2-*.path", str(other))


CASES: dict[str, Callable[[Sandbox], object]] = {
    "nothing special": lambda repo: None,
    "an absolute path": lambda repo: repo.git("config", "core.hooksPath", "/nonexistent"),
    "a relative path": _relative,
    "a condition": _condition,
}


@pytest.mark.parametrize("case", CASES)
def test_each_worktree_is_answered_as_git_answers_there(
    repo: Sandbox, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    for title in ("Fix login", "Add search", "Count stock"):
        repo.agent("spawn", title)
    places = [(str(repo.worktree(task)), repo.worktree(task).name) for task in (1, 2, 3)]
    CASES[case](repo)
    monkeypatch.chdir(repo.path)
    asked = Repo.open()
    assert dict(hooks_everywhere(asked, places)) == {path: effective_hooks(asked, path) for path, _ in places}
