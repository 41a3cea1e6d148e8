"""Find what a name such as `3/1` means."""

from __future__ import annotations

from git_agent.actions.rescue import rescue_refs
from git_agent.app import App
from git_agent.domain.rescue import Rescue, parse_rescue
from git_agent.errors import AgentError
from git_agent.git.refs import RESCUE
from git_agent.store import tasks


def find_rescue(app: App, name: str) -> Rescue:
    """Find what is kept under a name, `3/1` or the full ref. Raises AgentError (exit 1), usage (exit 2)."""
    _ = app.store
    task, number = parse_rescue(name, RESCUE)
    owner = tasks.find(task)
    found = [each for each in rescue_refs(app, owner) if (each.task, each.number) == (task, number)]
    if not found:
        raise AgentError("unknown-rescue", f"nothing is kept as {task}/{number}", "git agent rescue list")
    return found[0]
