"""The environment of the programs that we start."""

from __future__ import annotations

import os
from collections.abc import Mapping


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that tie git and git agent to our repository and caller."""
    kept = ("GIT_CONFIG", "GIT_AUTHOR", "GIT_COMMITTER", "GIT_SSH")
    return {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(kept)}


def placed(env: Mapping[str, str], cwd: str) -> dict[str, str]:
    """Return an environment in which PWD names the directory that a program runs in, and OLDPWD names none.

    Agents trust PWD: with the caller's directory in it, opencode committed in the person's own checkout.
    cwd: that directory
    """
    return {**{name: value for name, value in env.items() if name != "OLDPWD"}, "PWD": os.path.abspath(cwd)}
