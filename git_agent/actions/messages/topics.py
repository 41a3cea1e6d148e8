"""Read the messages of a topic."""

from __future__ import annotations

from collections.abc import Iterator

from git_agent.app import App
from git_agent.domain.message import Message, check_topic

_MOST = 1000  # messages read in one round


def tail(app: App, topic: str, *, last: int, follow: bool = False) -> Iterator[Message]:
    """Yield the last messages of a topic, oldest first.

    topic: the name of the topic, with or without `#`.
    last: the maximum number of existing messages.
    follow: also yield new messages as they arrive, forever.
    Raises AgentError (exit 2) for an invalid topic.
    """
    name = check_topic(topic)
    if not app.store.messages.of_topic(name, limit=1):
        app.notice(f"there are no messages in #{name} yet")
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
