"""Record a merge that has landed, and retire what the task needs no more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_agent.actions.begin import begin
from git_agent.actions.new_operation import new_operation
from git_agent.actions.retire import Retired, retire
from git_agent.actions.take import take
from git_agent.actions.unlock import unlock
from git_agent.app import App
from git_agent.domain.task import Step, Task
from git_agent.proc import processes

_REST = {"attempts": [], "rest": True, "force": False, "unmerged": False, "gone": []}


def complete(app: App, task: Task, intent: int, landed: Mapping[str, Any], *, by: str | None = None) -> Retired | None:
    """Mark a task COMPLETED and remove its worktrees and branches, unless they are to be kept.

    intent: of the merge; landed: its data: base, old (the commit it was built on), new (what it made of it), tip, by
    (the strategy), keep, log (what its check printed, None without); by: who records it, if not the speaker. The
    merge's intent becomes that of the removal in one transaction, so that a crash between the two is finished, too.
    Raises AgentError as take does.
    """
    owner, _ = processes.myself(), app.speaker
    rest_data = {**_REST, "operation": new_operation()}  # one `undo` takes back both
    data = {"by": landed["by"], "oid": landed["new"], "tip": landed["tip"], "base": landed["base"]}
    data |= {name: landed[name] for name in ("old", "log") if landed.get(name)}
    data["operation"] = rest_data["operation"]
    columns = {"merged_oid": landed["new"], "merged_by": landed["by"], "head_oid": landed["tip"]}
    with app.store.transaction():
        done = take(app, task, Step.MERGE, by=by, intent=intent, data=data, **columns).task
        rest = None if landed["keep"] else begin(app, "remove", task.id, owner, rest_data)
    unlock(app, done)
    return None if rest is None else retire(app, done, strict=False, intent=rest, begun=rest_data)
