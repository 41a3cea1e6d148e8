"""Say where finished work lies outside of its task's path claim, or inside another's (agent.pathClaims)."""

from __future__ import annotations

from git_agent.actions.outside import Outside, outside
from git_agent.app import App
from git_agent.domain.task import LIVE, Task
from git_agent.store import path_claims

_SHOWN = 3


def warn_outside(app: App, task: Task) -> list[str]:
    """Compare what a task's branch changed with the claims of the live tasks; return a line for each claim.

    Nothing where agent.pathClaims is off. A push can't be refused once it arrived, so under refuse it is a warning,
    too. Costs one query where nobody claims anything; asks git otherwise, so not in a transaction.
    """
    claims = path_claims.of_states(LIVE)
    if not claims or app.config.path_claims == "off":
        return []
    return [_line(task, each) for each in outside(app, task, claims)]


def _line(task: Task, found: Outside) -> str:
    more = f" and {len(found.paths) - _SHOWN} more" if len(found.paths) > _SHOWN else ""
    return f"{task.label} changed what {found.whose}: {', '.join(found.paths[:_SHOWN])}{more}"
