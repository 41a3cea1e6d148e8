"""What can be undone, the newest first."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.operation import Operation
from git_agent.store import events


def operations(app: App, limit: int) -> list[Operation]:
    """List the last operations that were not undone, limit at most."""
    _ = app.store
    names: list[str] = []
    for event in events.undoable():
        name = event.data["operation"]
        if name in names:
            continue
        if len(names) == limit:
            break
        names.append(name)
    return [Operation(name, tuple(events.of_operation(name))) for name in names]
