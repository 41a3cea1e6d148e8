"""Refuse or warn where finished work lies outside of its task's path claim, or inside another's (agent.pathClaims)."""

from __future__ import annotations

from git_agent.actions.outside import Outside, outside
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
    if not claims or (mode := app.config.path_claims) == "off":
        return
    found = outside(app, task, claims)
    if found and mode == "refuse":
        says = f"{task.label} changed what {_whose(found[0])}"
        other = found[0].claimed_by
        hint = f"git agent edit {task.id} --path PATHSPEC" if other is None else f"git agent send {other} TEXT"
        raise refused("outside-claim", says, hint, tuple(_lines(found)))
    for each in found:
        app.notice(f"{task.label} changed what {_whose(each)}: {', '.join(each.paths[:3])}{_more(each, 3)}")


def _whose(found: Outside) -> str:
    return "its own paths do not have" if found.claimed_by is None else f"task {found.claimed_by} claims"


def _lines(found: list[Outside]) -> list[str]:
    lines = [f"{path} ({_whose(each)})" for each in found for path in each.paths]
    return lines[:_SHOWN] + [f"and {len(lines) - _SHOWN} more"] * (len(lines) > _SHOWN)


def _more(found: Outside, shown: int) -> str:
    return f" and {len(found.paths) - shown} more" if len(found.paths) > shown else ""
