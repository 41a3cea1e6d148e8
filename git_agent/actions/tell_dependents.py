"""Say that what others waited for is done."""

from __future__ import annotations

from git_agent.domain.message import Draft
from git_agent.domain.speaker import COORDINATOR
from git_agent.domain.task import State, Task
from git_agent.store import tasks


def tell_dependents(done: Task) -> list[Draft]:
    """Draft the messages about a task that is COMPLETED now; call it in the change's transaction.

    The coordinator hears of each task that can be claimed now, and the workers of live ones that what they build on is
    there.
    """
    drafts = []
    for child in map(tasks.get, tasks.children(done.id)):
        if child.state is State.OPEN and child.unresolved == 0:
            body = f"{child.label} can be claimed: {done.label}, the last one that it waited for, is COMPLETED"
            drafts.append(Draft(COORDINATOR, body, child.id, until=State.OPEN))
        elif child.live:
            drafts.append(Draft(str(child.id), f"{done.label}, which {child.label} waits for, is COMPLETED", child.id))
    return drafts
