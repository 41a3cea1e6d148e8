"""Refuse or warn where a task means to change what another one means to change (agent.pathClaims)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from git_agent.actions.overlaps import Overlap, overlaps
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.claim import Claim
from git_agent.domain.pathspec import may_meet, read
from git_agent.domain.task import LIVE, State
from git_agent.errors import AgentError, Exit, refused, usage
from git_agent.store import path_claims, tasks


@dataclass(frozen=True, slots=True)
class Claimable:
    """Pathspecs that may be claimed. seen: the claims that they were compared with, None where none refuse them."""

    paths: tuple[str, ...]
    seen: frozenset[Claim] | None = None

    def require(self, task: int | None = None) -> None:
        """Look again, inside the transaction, and without git: a claim that came meanwhile may be in the way.

        Raises AgentError (exit 6).
        """
        now = [] if self.seen is None else _others(task)
        if any(may_meet(self.paths, each.paths) for each in now if each not in (self.seen or ())):
            says = "another task claimed paths like these at the same moment"
            raise AgentError("claimed-meanwhile", says, "try again", exit=Exit.BUSY)


def _others(task: int | None) -> list[Claim]:
    return [each for each in path_claims.of_states(LIVE | {State.OPEN}) if each.task != task]


def check_claims(app: App, given: Sequence[str], base: str, after: Sequence[int], task: int | None = None) -> Claimable:
    """Read the pathspecs of a task and compare them with those of the live and OPEN ones; return them.

    base: its branch; after: the tasks that it waits for, which may overlap; task: its number, if it has one. Raises
    AgentError: exit 2 for what git can't read, exit 3 for an overlap where agent.pathClaims is refuse; a warning is
    noted where it is warn.
    """
    paths = tuple(_read(path) for path in dict.fromkeys(given))
    if not paths:
        return Claimable(paths)
    from git_agent.git import pathspecs

    pathspecs.check(app.repo, paths)
    mode = app.config.path_claims
    if mode == "off":
        return Claimable(paths)
    seen = frozenset(_others(task))
    found = overlaps(app, Claim(task, State.OPEN, base, paths), after)
    if found and mode == "refuse":
        others = ", ".join(f"task {each.other.task}" for each in found)
        says = f"{'its paths overlap' if task is None else f'the paths of task {task} overlap'} with those of {others}"
        after_all = " ".join(f"--after {each.other.task}" for each in found)
        hint = f"give other paths, or {after_all} to wait for {'it' if len(found) == 1 else 'them'}"
        if task is not None and tasks.get(task).live:  # its work has begun: it can't wait
            hint = f"give other paths, or git agent send {found[0].other.task} TEXT"
        raise refused("paths-claimed", says, hint, tuple(map(_line, found)))
    for each in found:
        app.notice(f"paths overlap with {_line(each)}")
    return Claimable(paths, seen if mode == "refuse" else None)


def _read(text: str) -> str:
    """The hook of agent.guard reads them line by line."""
    path = names.check_line(text, "path")
    if "\n" in path:
        raise usage("bad-path", "a path has a newline", "give the directory")
    read(path)
    return path


def _line(found: Overlap) -> str:
    return f"task {found.other.task} ({found.other.state}): {found.shown}"
