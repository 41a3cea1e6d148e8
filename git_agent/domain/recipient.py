"""Who a message can be sent to, beside tasks: people, all workers, topics."""

from __future__ import annotations

import re
import unicodedata

from git_agent.domain.speaker import COORDINATOR, HUMAN
from git_agent.errors import usage

ALL = "@all"
"""The workers of all live tasks."""
PLACES = (HUMAN, COORDINATOR, ALL)
_TOPIC = re.compile(r"(?=[\w.-]*[^\W\d_])\w[\w.-]{0,59}")


def check_place(text: str) -> str:
    """Return `@human`, `@coordinator` or `@all`. Raises usage error `unknown-recipient` for any other `@name`."""
    if text not in PLACES:
        hint = "a task, a topic as '#builds', or one of " + ", ".join(PLACES)
        raise usage("unknown-recipient", f"there is no recipient {text[:60]!r}", hint)
    return text


def is_topic(text: str) -> bool:
    """Tell whether a recipient is meant to be a topic; `#7` is a task."""
    return text.startswith("#") and not text[1:].isdecimal()


def check_topic(text: str) -> str:
    """Return a topic's name without its `#`, in NFC and lower case: `#Builds` and `#builds` are one topic.

    Raises usage error `bad-topic`: anything but 1 to 60 letters, digits, '-', '_' and '.', with a letter among them.
    """
    name = unicodedata.normalize("NFC", text.removeprefix("#")).lower()
    if not _TOPIC.fullmatch(name):
        rule = "1 to 60 letters, digits, '-', '_' and '.', with a letter among them"
        raise usage("bad-topic", f"bad topic {text[:60]!r}: it wants {rule}", "as in '#builds'")
    return name
