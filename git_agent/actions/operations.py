"""What can be undone, the newest first."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.finding import LASTING
from git_agent.domain.operation import FIXED, Operation
from git_agent.store import events


def operations(app: App, limit: int) -> list[Operation]:
    """List the last operations that were not undone, limit at most, by what they began with.

    Fixes that leave nothing to take back are no operation, unless there are others of the same run. Two that ran at
    once, or were finished after a crash, may have ended in another order: the merge that stands on another one is the
    newer one, whenever its worktree was removed.
    """
    _ = app.store
    found, none = dict[str, Operation](), set[str]()
    for event in events.undoable():
        if sum(each.events[0].seq > event.seq for each in found.values()) >= limit:
            break
        name = event.data["operation"]
        if name in found or name in none:
            continue
        made = Operation(name, tuple(events.of_operation(name)))
        if all(each.kind == FIXED and each.data["code"] in LASTING for each in made.events):
            none.add(name)
        else:
            found[name] = made
    return sorted(found.values(), key=lambda each: each.events[0].seq, reverse=True)[:limit]
