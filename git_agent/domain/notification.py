"""Which events need a person, and why; `agent.notify` runs for them."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain.task import Step, event_kind

CALLS: Mapping[str, str] = {
    event_kind(Step.DONE): "review wanted",
    event_kind(Step.PUSHED): "review wanted",
    event_kind(Step.MOVED): "review wanted",
    event_kind(Step.ASK): "question",
    event_kind(Step.CONFLICT): "conflict",
    event_kind(Step.CHECK_FAILED): "check failed",
    event_kind(Step.ENDED): "no commits",
    event_kind(Step.FAIL): "failed",
    event_kind(Step.EXHAUST): "failed",
    "task.stalled": "stalled",
}
"""Kinds of events, and why a person is needed then."""


def needs_person(kind: str) -> str | None:
    """Say why an event of this kind calls a person; None when it calls nobody."""
    return CALLS.get(kind)


def outstanding(covered: tuple[int, int] | None, first: int, newest: int) -> list[range]:
    """List the events that nobody has called a person for, where a command appended the event `first`.

    covered: the first and the last event that was seen to, None when none was. What was before the first one is
    history; one that a slower command appended a little before it is not.
    """
    if covered is None:
        return [range(first, newest + 1)]
    return [range(first, covered[0]), range(covered[1] + 1, newest + 1)]
