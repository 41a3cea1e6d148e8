"""Path claims: what a task means to change, so that two that mean the same are noticed before the work is done."""

from __future__ import annotations

from typing import NamedTuple

from git_agent.domain.task import State

MODES = ("refuse", "warn", "off")


class Claim(NamedTuple):
    """What a task means to change. task: None for one that is not there yet; paths: pathspecs, which count together."""

    task: int | None
    state: State
    base: str
    paths: tuple[str, ...]
