"""Say what is wrong with work that a push has handed in: it arrived, and can't be refused any more."""

from __future__ import annotations

from git_agent.actions.carries_context import carries_context
from git_agent.actions.warn_outside import warn_outside
from git_agent.app import App
from git_agent.domain.task import Task


def warn_pushed(app: App, task: Task, tip: str) -> list[str]:
    """Return a line for a context file that is in it, and for each claim that it changes files of.

    tip: what was pushed, a full oid. Asks git, so not in a transaction.
    """
    _, carried = carries_context(app, task, tip)
    lines = [f"{carried.message}: {carried.hint}"] if carried else []
    return lines + warn_outside(app, task)
