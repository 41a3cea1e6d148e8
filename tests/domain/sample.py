"""A task to start from: each test names only the values that matter to it."""

from __future__ import annotations

from typing import Any

from git_agent.domain.task import State, Task

_OPEN = Task(
    id=7,
    name="fix-login",
    title="Fix login",
    body="",
    state=State.OPEN,
    hold=None,
    priority=2,
    base="main",
    base_oid=None,
    branch=None,
    worktree=None,
    head_oid=None,
    reviewed_oid=None,
    reviewer=None,
    merged_oid=None,
    merged_by=None,
    attempt=0,
    epoch=0,
    version=0,
    unresolved=0,
    agent=None,
    reason=None,
    check_command=None,
    not_before=None,
    base_seen=None,
    worked=0,
    created_at=1_000,
    state_at=1_000,
)


def task(**changes: Any) -> Task:
    """Return an OPEN task 7 named fix-login, changed as told."""
    return _OPEN._replace(**changes)
