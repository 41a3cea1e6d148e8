"""Mend messages: those to a task that is not there wait no longer."""

from __future__ import annotations

from git_agent.actions.record_fix import record_fix
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.store import deliveries, tasks


def fix_messages(app: App, finding: Finding) -> str:
    """Mend one finding that was just seen; return what was done. The messages themselves stay, as all messages do."""
    to = finding.data["to"]
    with app.store.transaction():
        if tasks.find(int(to)) is not None:
            return "the task is there now"
        messages = deliveries.let_go(to)
        return record_fix(app, finding, "nobody is waited for", {"to": to}, {"messages": messages})
