"""Read the messages of a topic."""

from __future__ import annotations

from collections.abc import Iterator

from git_agent.app import App
from git_agent.domain.message import Message, check_topic

_MOST = 1000  # of what came while one looked away


def tail(app: App, topic: str, *, last: int, follow: bool = False) -> Iterator[Message]:
    """Yield the last messages of a topic, oldest first, and with follow those that come, for ever.

    topic: with or without its `#`; last: at most so many of those that are there. Raises AgentError (exit 2) for what
    is no topic.
    """
    name = check_topic(topic)
    if not app.store.messages.of_topic(name, limit=1):
        app.notice(f"nothing was said in #{name} yet")
    return _said(app, name, last, follow)


def _said(app: App, topic: str, last: int, follow: bool) -> Iterator[Message]:
    seen: int | None = app.store.wait_for_change(0)
    after = 0
    for message in app.store.messages.of_topic(topic, limit=last):
        yield message
        after = message.id
    while follow:
        for message in app.store.messages.of_topic(topic, after=after, limit=_MOST):
            yield message
            after = message.id
        seen = app.store.wait_for_change(None, seen)
