"""Render the branches of merged tasks that remotes still have."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from git_agent.render.text import visible

if TYPE_CHECKING:
    from git_agent.actions.removal.remove import Leftover

_NAMED = 3


def leftover_json(found: Leftover) -> dict[str, Any]:
    """Return a branch on a remote as JSON values."""
    named = {"task": found.task, "remote": found.branch.remote, "branch": found.branch.branch, "oid": found.branch.oid}
    return {**named, "status": found.status, "why": found.why}


def leftover_lines(found: Sequence[Leftover]) -> list[str]:
    """Return lines that say what was deleted on remotes, and what stays there and why."""
    return [_line(each) for each in found if each.status not in ("found", "failed")]


def would_delete_lines(found: Sequence[Leftover]) -> list[str]:
    """Return lines that say what would be deleted on remotes."""
    return [_line(each) for each in found if each.status == "would_delete"]


def _line(found: Leftover) -> str:
    name, remote = visible(found.branch.branch), visible(found.branch.remote)
    if found.status == "gone":
        return f"task {found.task}: {name} is gone from {remote} already"
    if found.status == "left":
        return f"task {found.task}: left {name} on {remote}: {visible(found.why or '')}"
    return f"task {found.task}: {found.status.replace('_', ' ')} {name} on {remote}"


def leftover_talk(found: Sequence[Leftover]) -> list[str]:
    """Return lines for stderr: what failed, with the command that helps; or that remotes still have branches."""
    failed = [each for each in found if each.status == "failed"]
    lines = [f"error: {visible(each.branch.name)} was not deleted: {visible(each.why or '')}" for each in failed]
    # Not `git push --delete`: that would also delete what was pushed there meanwhile.
    remotes = dict.fromkeys(shlex.quote(each.branch.remote) for each in failed)
    lines += [f"hint: git ls-remote {visible(each)}, then git agent clean --remote" for each in remotes]
    names = [visible(each.branch.name) for each in found if each.status == "found"]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    if names:
        lines.append(f"hint: remotes still have {', '.join(names[:_NAMED])}{more}: git agent clean --remote")
    return lines
