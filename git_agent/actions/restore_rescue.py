"""Make a branch at something that was kept."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.find_rescue import find_rescue
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.rescue import Rescue
from git_agent.errors import refused
from git_agent.git import refs
from git_agent.store import events


@dataclass(frozen=True, slots=True)
class RestoredRescue:
    """A branch at what was kept. made: it was not there before."""

    rescue: Rescue
    branch: str
    made: bool = True


def restore_rescue(app: App, name: str, branch: str | None = None) -> RestoredRescue:
    """Make a branch, `rescue/<task>-<n>` unless it is named.

    name: `3/1` or the full ref. Raises AgentError: exit 1 for an unknown one, exit 3 when the branch is
    there already, and elsewhere.
    """
    kept = find_rescue(app, name)
    wanted = names.check_branch(branch or f"rescue/{kept.task}-{kept.number}")
    try:
        refs.branch(app.repo, wanted, kept.oid)
    except refs.RefMoved as error:
        if app.repo.branch_oid(wanted) == kept.oid:
            return RestoredRescue(kept, wanted, made=False)
        helps = f"git agent rescue restore {kept.name} --branch NAME"
        raise refused("branch-exists", f"the branch '{wanted}' exists already", helps) from error
    actor = app.speaker.actor
    with app.store.transaction():
        data = {"ref": f"{refs.RESCUE}{kept.name}", "branch": wanted, "text": f"{kept.name} to {wanted}"}
        events.append("rescue.restored", actor, task=kept.task, data=data)
    return RestoredRescue(kept, wanted)
