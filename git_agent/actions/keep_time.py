"""Remember this host's clocks, to see later that it slept or that its wall clock was set."""

from __future__ import annotations

import json

from git_agent.app import App
from git_agent.domain.clocks import Clocks, Reading, compare
from git_agent.store import facts
from git_agent.store.silence import CLOCKS


def keep_time(app: App, reading: Reading, fact: str | None) -> Clocks:
    """Compare the clocks with what was remembered of them, and remember anew where something happened to them.

    reading: the clocks now; fact: what the store remembers. That is written once per boot, sleep and setting.
    """
    before = _parsed(fact)
    if before is not None and compare(before, reading, 0.0) is before:
        return before
    clocks = compare(before, reading, app.config.seconds("agent.lease"))
    with app.store.transaction():
        facts.put(CLOCKS + reading.host, json.dumps(clocks))
    return clocks


def _parsed(fact: str | None) -> Clocks | None:
    return None if fact is None else Clocks(*json.loads(fact))
