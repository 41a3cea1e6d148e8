"""A moment as people write it: an age, or a date as git reads it."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.durations import parse_duration
from git_agent.errors import AgentError, usage
from git_agent.git import dates


def moment(app: App, text: str) -> int:
    """Return the time that `30m`, `7d`, `yesterday` or `2026-01-01` means, in ms since the epoch.

    Raises AgentError (exit 2) for what is neither an age nor a date.
    """
    now = app.store.now()
    try:
        return now - int(parse_duration(text) * 1000)
    except AgentError:
        found = dates.moment(app.repo, text)
    if found is None:
        hint = "an age, as in 30m, 12h, 7d; or a date as git reads it, as in yesterday or 2026-01-01"
        raise usage("bad-time", f"bad time {text[:40]!r}", hint)
    return found * 1000
