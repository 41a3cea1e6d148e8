"""Record a fix as an event, with what it takes to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_agent.actions.new_operation import new_operation
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.domain.operation import FIXED
from git_agent.store import events


def record_fix(app: App, finding: Finding, text: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Append the event, in the transaction of the change where the store was changed; return the text.

    before, after: what was there and what is there now, of all that the fix touched.
    """
    data: dict[str, Any] = {
        "code": finding.code,
        "subject": _readable(finding.subject),
        "text": _readable(f"{finding.what}: {text}"),
    }
    data |= {"before": dict(before), "after": dict(after)}
    data["operation"] = app.operation or new_operation()
    with app.store.transaction():
        events.append(FIXED, app.speaker.actor, task=finding.task, data=data)
    return text


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
