"""Refuse or warn where finished work lies outside of its task's path claim, or inside another's (agent.pathClaims)."""

from __future__ import annotations

from git_agent.actions.outside import Outside, outside
from git_agent.actions.warn_outside import warn_outside
from git_agent.app import App
from git_agent.domain.task import LIVE, Task
from git_agent.errors import refused
from git_agent.store import path_claims

_SHOWN = 20


def check_outside(app: App, task: Task) -> None:
    """Compare what a task's branch changed with the claims of the live tasks, its own among them.

    Raises AgentError (exit 3) with the list where agent.pathClaims is refuse; a line for each claim is noted where it
    is warn. Costs one query where nobody claims anything.
    """
    claims = path_claims.of_states(LIVE)
    if claims and app.config.path_claims == "refuse":
        found = outside(app, task, claims)
        if found:
            says = f"{task.label} changed what {found[0].whose}"
            other = found[0].claimed_by
            hint = f"git agent edit {task.id} --path PATHSPEC" if other is None else f"git agent send {other} TEXT"
            raise refused("outside-claim", says, hint, tuple(_lines(found)))
    elif claims:
        for line in warn_outside(app, task):
            app.notice(line)


def _lines(found: list[Outside]) -> list[str]:
    lines = [f"{path} ({each.whose})" for each in found for path in each.paths]
    return lines[:_SHOWN] + [f"and {len(lines) - _SHOWN} more"] * (len(lines) > _SHOWN)
