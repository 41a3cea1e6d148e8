"""The environment of the programs that we start."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that tie git and git agent to our repository and caller."""
    kept = ("GIT_CONFIG", "GIT_AUTHOR", "GIT_COMMITTER", "GIT_SSH")
    return {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(kept)}


_CLAUDE = ("SESSION", "SESSION_ID", "ENTRYPOINT", "SSE_PORT", "CHILD_SESSION")
_OTHERS = ("CODEX_THREAD_ID", "CODEX_CI", "GEMINI_CLI", "OPENCODE", "OPENCODE_PID", "CURSOR_AGENT")
_MARKERS = frozenset(("CLAUDECODE", *(f"CLAUDE_CODE_{name}" for name in _CLAUDE), *_OTHERS))


def without_markers(env: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, str]:
    """Return an environment without the variables by which agent programs know their own sessions.

    An agent that another one starts would refuse to run inside of that session, or take it for its own. Keys and
    credentials stay.
    more: names of further variables to take out
    """
    out = _MARKERS | set(more)
    return {name: value for name, value in env.items() if name not in out}


def placed(env: Mapping[str, str], cwd: str) -> dict[str, str]:
    """Return an environment in which PWD names the directory that a program runs in, and OLDPWD names none.

    Agents trust PWD: with the caller's directory in it, opencode committed in the person's own checkout.
    cwd: that directory
    """
    return {**{name: value for name, value in env.items() if name != "OLDPWD"}, "PWD": os.path.abspath(cwd)}
