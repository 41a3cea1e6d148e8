"""Refuse or warn where finished work lies outside of its task's path claim, or inside another's (agent.pathClaims)."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from git_agent.actions.outside import Outside, outside
from git_agent.actions.warn_outside import warn_outside
from git_agent.app import App
from git_agent.domain.claim import Claim
from git_agent.domain.task import LIVE, Task
from git_agent.errors import refused
from git_agent.store import path_claims

_SHOWN = 20
_NAMED = 3  # files in a command


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
            hint = _wider(task, found[0], claims) if other is None else f"git agent send {other} TEXT"
            raise refused("outside-claim", says, hint, tuple(_lines(found)))
    elif claims:
        for line in warn_outside(app, task):
            app.notice(line)


def _wider(task: Task, found: Outside, claims: Sequence[Claim]) -> str:
    """The option says all of a task's paths: what it has must be given again."""
    own = next((each.paths for each in claims if each.task == task.id), ())
    more = found.paths if len(found.paths) <= _NAMED else ("PATHSPEC",)
    return f"git agent edit {task.id} " + " ".join(f"--path {quote(path)}" for path in (*own, *more))


def _lines(found: list[Outside]) -> list[str]:
    lines = [f"{path} ({each.whose})" for each in found for path in each.paths]
    return lines[:_SHOWN] + [f"and {len(lines) - _SHOWN} more"] * (len(lines) > _SHOWN)
