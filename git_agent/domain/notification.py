"""Notifications: the events for which `agent.notify` runs, because they need a person."""

from __future__ import annotations

from collections.abc import Mapping

from git_agent.domain.task import Step, event_kind

REASONS: Mapping[str, str] = {
    event_kind(Step.DONE): "review wanted",
    event_kind(Step.PUSHED): "review wanted",
    event_kind(Step.MOVED): "review wanted",
    event_kind(Step.ASK): "question",
    event_kind(Step.CONFLICT): "conflict",
    event_kind(Step.CHECK_FAILED): "check failed",
    event_kind(Step.ENDED): "not handed in",
    event_kind(Step.FAIL): "failed",
    event_kind(Step.EXHAUST): "failed",
    event_kind(Step.REAP): "worker died",
    "task.not-started": "can't be started",
    "task.stalled": "stalled",
    "task.handed-in-gone": "work gone",
    "task.merge-lost": "merge lost",
}
"""Event kinds, and why each needs a person."""


def needs_person(kind: str) -> str | None:
    """Return why an event of this kind needs a person, or None if it does not."""
    return REASONS.get(kind)


def outstanding(covered: tuple[int, int] | None, first: int, newest: int) -> list[range]:
    """Return the ranges of events that have not been notified yet, for a command whose first event is `first`.

    covered: the first and the last event that was handled, None if none was. Events before that range are history,
    except those from `first` on: a slower command may have appended them shortly before.
    newest: the newest event
    """
    if covered is None:
        return [range(first, newest + 1)]
    return [range(first, covered[0]), range(covered[1] + 1, newest + 1)]
