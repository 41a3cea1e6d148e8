"""What can be read of something that was kept."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.rescue import Rescue
from git_agent.git import refs
from git_agent.store import tasks

_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color")


def show_rescue(app: App, kept: Rescue, *, plain: bool) -> list[str]:
    """Return the words for git that show its commits with their patches, those that the base lacks, at least one.

    plain: for a program, so that no program of the user's has a part in it.
    """
    task = tasks.find(kept.task)
    base = app.repo.branch_oid(task.base) if task else None
    one = kept.kind == refs.FILES or base is None or kept.inside
    return [
        "log",
        *(_PLAIN if plain else ()),
        "--patch",
        "--diff-merges=first-parent",
        *(["-1"] if one else [f"^{base}"]),
        kept.oid,
        "--",
    ]
