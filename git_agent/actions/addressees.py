"""Find who the TO arguments of a message mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from git_agent.actions.find import find
from git_agent.app import App
from git_agent.domain import recipient
from git_agent.domain.task import FINISHED
from git_agent.errors import refused, usage
from git_agent.store import addresses

_PLAIN = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Addressees:
    """Who receives a message. tasks: those named, whose present worker or next one reads it; topic: without `#`."""

    addresses: tuple[str, ...]
    tasks: tuple[int, ...]
    topic: str | None


def addressees(app: App, to: Sequence[str], sender: str) -> Addressees:
    """Resolve recipients: tasks, `@human`, `@coordinator`, `@all` and one `#topic`; each counts once.

    sender: the sender's own address, left out of `@all`. Raises AgentError: exit 1 for an unknown task, exit 2 for
    anything else that names nobody, exit 3 for a task that is finished and when `@all` is nobody.
    """
    found: list[str] = []
    named: list[int] = []
    topics: set[str] = set()
    for each in to:
        if each.startswith("@"):
            place = recipient.check_place(each)
            found += [a for a in addresses.live() if a != sender] if place == recipient.ALL else [place]
        elif recipient.is_topic(each):
            topics.add(recipient.check_topic(each))
        else:
            named.append(_unfinished(app, each))
            found.append(str(named[-1]))
    if len(topics) > 1:
        raise usage("several-topics", "a message has one topic at most", "send one message to each topic")
    found += [f"#{topic}" for topic in topics]
    if not found:
        raise refused("nobody", "no other task is live: nobody would get it", "git agent send @human TEXT")
    return Addressees(tuple(dict.fromkeys(found)), tuple(dict.fromkeys(named)), next(iter(topics), None))


def _unfinished(app: App, text: str) -> int:
    if _PLAIN.fullmatch(text) and addresses.is_unfinished(int(text)):
        return int(text)  # as most messages name it
    task = find(app, text)
    if task.state in FINISHED:
        says = f"nobody works on {task.label}: it is {task.state}"
        raise refused("finished-task", says, f"git agent reopen {task.id}, or git agent send @human TEXT")
    return task.id
