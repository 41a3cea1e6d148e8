"""Record a fix together with what is needed to undo it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from git_agent.actions.recovery.journal import new_operation
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.domain.undo import FIXED
from git_agent.errors import AgentError, Exit


def record_fix(app: App, finding: Finding, text: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Append the event of a fix; return the text.

    text: what was done
    before, after: the values of everything that the fix touched, before and after it
    If the fix changed the store, call this in the same transaction.
    """
    data: dict[str, Any] = {
        "code": finding.code,
        "subject": _readable(finding.subject),
        "text": _readable(f"{finding.what}: {text}"),
    }
    data |= {"before": dict(before), "after": dict(after)}
    data["operation"] = app.operation or new_operation()
    with app.store.transaction():
        app.store.events.append(FIXED, app.speaker.actor, task=finding.task, data=data)
    return text


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def not_as_seen() -> AgentError:
    """Make the error (exit 6) of a fix whose finding no longer holds."""
    return AgentError("changed-meanwhile", "it has changed in the meantime", "git agent doctor", exit=Exit.BUSY)
