"""Which remote-tracking branch each base follows; git is asked again only when its configuration changed."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Collection

from git_agent.app import App
from git_agent.errors import AgentError
from git_agent.store import facts

_FACT = "upstreams"


def upstreams(app: App, bases: Collection[str]) -> dict[str, str]:
    """Map bases to the full refs that they follow; `origin`'s branch of that name where nothing is configured."""
    stamp = _stamp(os.path.join(app.repo.common_dir, "config"))
    held = json.loads(facts.get(_FACT) or "{}")
    known: dict[str, str] = held.get("of", {}) if held.get("stamp") == stamp else {}
    if not set(bases) <= known.keys():
        known = _ask(app, {*bases, *known})
        # A store that can't be written is still good for looking.
        with contextlib.suppress(AgentError), app.store.transaction():
            facts.put(_FACT, json.dumps({"stamp": stamp, "of": known}))
    return {base: known[base] or f"refs/remotes/origin/{base}" for base in bases}


def _stamp(path: str) -> list[int]:
    try:
        seen = os.stat(path)
    except OSError:
        return []
    return [seen.st_mtime_ns, seen.st_size, seen.st_ino]


def _ask(app: App, bases: Collection[str]) -> dict[str, str]:
    refs = [f"refs/heads/{base}" for base in bases]
    lines = app.repo.git("for-each-ref", "--format=%(refname:lstrip=2)%00%(upstream)", *refs).text.splitlines()
    found = dict(line.partition("\0")[::2] for line in lines)
    return {base: found.get(base, "") for base in bases}
