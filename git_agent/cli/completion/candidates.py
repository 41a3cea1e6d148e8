"""The completion candidates at the cursor of a command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem, ShellComplete

from git_agent.cli.main import VerbGroup, group
from git_agent.errors import AgentError
from git_agent.verbs import VERBS

if TYPE_CHECKING:
    from git_agent.app import App


_COMMANDS = frozenset({"run", "spawn", "exec"})


def candidates(app: App, shell: str, typed: tuple[str, ...]) -> list[str]:
    """List the candidates for the last word, as `kind<TAB>value<TAB>help`.

    shell: bash, zsh or fish
    typed: the words after `git agent`, the last one unfinished
    Returns nothing outside a repository and after an unknown verb.
    """
    *words, last = typed or ("",)
    if _COMMANDS & set(words[:1]) and "--" in words:
        return ["file\t\t"]  # another program's command: complete files, since its own completion is out of reach
    try:
        found = ShellComplete(_completing(app), {}, "git agent", "").get_completions(words, last)
    except AgentError:
        return []
    front = last.partition("=")[0] + "=" if last.startswith("--") and "=" in last and shell != "bash" else ""
    return [f"{i.type}\t{front if i.type == 'plain' else ''}{i.value}\t{_help(shell, i)}" for i in found]


def _help(shell: str, item: CompletionItem[str]) -> str:
    """Return the help of a candidate. In bash, only tasks have one, because its lists have no room for more."""
    from git_agent.render.text import visible

    return "" if shell == "bash" and not item.task else visible(item.help or "")


def _completing(app: App) -> VerbGroup:
    """Return a second group of all verbs whose parameters can complete their values, chosen by their metavar."""

    class Completing(VerbGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            command = super().get_command(ctx, cmd_name)
            for each in (command, *getattr(command, "commands", {}).values()):
                for parameter in each.params if each else ():
                    _teach(app, parameter)
            return command

    made = Completing("git agent", params=group.params)
    for parameter in made.params:
        _teach(app, parameter)
    return made


def _teach(app: App, parameter: click.Parameter) -> None:
    # [TASK], TASK... and [TITLE | TASK] can each be a task.
    values = _VALUES.get((parameter.metavar or "").strip("[].").rpartition(" | ")[2])
    if values is not None:
        parameter.type = _Known(app, values)


class _Known(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.5
    name = "known"

    def __init__(self, app: App, values: Callable[[App, str, str], list[CompletionItem[str]]]) -> None:
        self.app = app
        self.values = values

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """List the values that are not given already."""
        given = ctx.params.get(param.name or "") or ()
        there = {given} if isinstance(given, str) else set(given)
        verb = ctx.info_name or "" if isinstance(param, click.Argument) else ""  # --after names another task
        return [item for item in self.values(self.app, verb, incomplete) if item.value not in there]


def _tasks(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    from git_agent.actions.lookup import tasks_for

    found = tasks_for(app, verb)
    by_name = bool(start) and not start.isdecimal()
    shown = [(t.name if by_name else str(t.id), f"{t.id} " if by_name else f"{t.name} ", t) for t in found]
    if by_name:
        shown += [(t.branch, f"{t.id} ", t) for t in found if t.branch]
    return [
        CompletionItem(value, help=f"{other}{t.state}", task=True)
        for value, other, t in shown
        if value.startswith(start)
    ]


def _recipients(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    from git_agent.domain.message import ALL, RECIPIENTS

    places = [place for place in RECIPIENTS if place != ALL or verb == "send"]
    return [*_tasks(app, verb, start), *(CompletionItem(place) for place in places if place.startswith(start))]


def _branches(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name) for name in app.heads if name.startswith(start)]


def _agents(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name) for name in app.config.agents() if name.startswith(start.lower())]


def _state_names(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    from git_agent.domain.task import State

    return [CompletionItem(str(state)) for state in State if state.startswith(start.upper())]


def _rescues(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    from git_agent.actions.undo.rescue import rescue_refs

    return [CompletionItem(r.name, help=r.subject) for r in rescue_refs(app) if r.name.startswith(start)]


def _files(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    return [CompletionItem(start, type="file")]


def _directories(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    return [CompletionItem(start, type="dir")]


def _verbs(app: App, verb: str, start: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name, help=each.summary) for name, each in VERBS.items() if name.startswith(start)]


_VALUES = {
    "VERB": _verbs,
    "TASK": _tasks,
    "AGENT": _agents,
    "TO... TEXT": _recipients,
    "WHO": _recipients,
    "BRANCH": _branches,
    "STATE": _state_names,
    "FILE": _files,
    "RESCUE": _rescues,
    "PATHSPEC": _files,
    "DIR": _directories,
    "PATH": _directories,
}
