"""Find what dead processes left unfinished, and let the module that wrote each intent finish it or roll it back."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from git_agent.actions.recovery.renewal import renewed
from git_agent.app import App
from git_agent.errors import UNWRITABLE, AgentError
from git_agent.proc import processes
from git_agent.store.intents import Intent

if TYPE_CHECKING:
    from git_agent.domain.recovery import StepProgress

WRITERS = {
    "spawn": "git_agent.actions.attempts.reserve",
    "merge": "git_agent.actions.merging.land",
    "remove": "git_agent.actions.removal.retire",
    "undo": "git_agent.actions.undo.restore",
}
"""The module of each kind of intent: it writes the intent, and has the functions of `Writer`. It is loaded only when
such an intent is found: there is almost never one, and every command checks.
"""


class Writer(Protocol):
    """What the module of a kind of intent provides. Each function is called by the intent's present owner."""

    def observe(self, app: App, intent: Intent) -> StepProgress:
        """Report what git shows of the step."""

    def finish(self, app: App, intent: Intent) -> None:
        """Complete a step that passed its point of no return, and end the intent."""

    def roll_back(self, app: App, intent: Intent) -> None:
        """Undo whatever the step has done, and end the intent."""


NOT_YET = "can't be recovered yet"


def recover(app: App) -> list[str]:
    """Recover the intents of dead processes; return a line for each repair.

    Costs one query and listing two empty directories when there are none.
    """
    lines: list[str] = []
    # What this command took over is its own now. `watch` and `doctor --fix` try it again; it would wait for their end.
    left = [i for i in app.store.intents.pending() if i.id in app.unrecovered or app.is_gone(i.owner, over=i.over)]
    if left and _holds_something(os.path.join(app.store_dir, "trash")):
        from git_agent.git.worktrees.scratch import restore_aside

        restore_aside(app.repo)  # a removal that is finished looks at it again
    if left:
        with renewed(app):
            for intent in left:
                lines.extend(recover_intent(app, intent))
    if lines or any(_holds_something(os.path.join(app.store_dir, name)) for name in ("scratch", "trash")):
        from git_agent.git.worktrees.scratch import delete_leftovers

        delete_leftovers(app.repo)
    return lines


def _holds_something(directory: str) -> bool:
    try:
        return bool(os.listdir(directory))
    except OSError:
        return False


def recover_intent(app: App, intent: Intent) -> list[str]:
    """Finish or roll back a dead process's intent; do nothing when another process was faster.

    Merges that were to land together are one batch. The process that takes over one takes over all. It finishes them in
    their order, so that `undo` finds the newest last. Returns a line for each; for one that can't be recovered yet,
    only the first time.
    """
    owner = processes.myself()
    with app.store.transaction():
        found = [each for each in app.store.intents.pending() if _goes_with(each, intent)]
        adopted = [each for each in found if app.store.intents.adopt(each, owner)]
    lines = list[str]()
    for each in adopted:
        try:
            lines.append(_repaired(app, each))
            app.unrecovered.discard(each.id)
        except AgentError as error:
            if error.code in UNWRITABLE:
                raise
            if each.id not in app.unrecovered:
                lines.append(f"task {each.task}: an interrupted {each.kind} {NOT_YET}: {error.message}")
            app.unrecovered.add(each.id)
    return lines


def _goes_with(one: Intent, other: Intent) -> bool:
    """Tell whether two intents belong together: the merges of one batch record the same landing, other intents none.

    one: as it is now; it does not belong to an intent that was over if it was renewed meanwhile
    """
    landing = other.data.get("landing")
    together = landing is not None and one.data.get("landing") == landing
    return one.owner == other.owner and one.over >= other.over and (one.id == other.id or together)


def _repaired(app: App, intent: Intent) -> str:
    from git_agent.domain.recovery import Recovery, choose_recovery

    writer = cast(Writer, import_module(WRITERS[intent.kind]))
    how = "died" if app.is_gone(intent.owner) else "is silent"
    whose = "" if intent.id in app.unrecovered else f" ({processes.named(intent.owner)} {how})"
    what = f"{intent.kind} of task {intent.task}{whose}"
    if choose_recovery(intent.kind, writer.observe(app, intent)) is Recovery.FINISH:
        writer.finish(app, intent)
        return f"finished an interrupted {what}"
    writer.roll_back(app, intent)
    return f"rolled back an interrupted {what}; run it again"
