"""The program git-agent: hooks and background commands need its absolute path."""

from __future__ import annotations

import os
import sys

from git_agent.files import find_program

_NAME = "git-agent"


def own_path() -> str:
    """Return the absolute path of the running git-agent, as it was called: an installer's link survives upgrades."""
    called = os.path.join(os.path.dirname(sys.argv[0]), _NAME)  # bin/git-agent starts another program beside itself
    beside = os.path.join(os.path.dirname(sys.executable), _NAME)
    for path in (called, beside, find_program(_NAME) or ""):
        if os.path.isabs(path) and os.access(path, os.X_OK):
            return path
    return os.path.abspath(called)


def configured_path(store_dir: str) -> str | None:
    """Return the path that the hooks are configured to start, whether it exists or not; None without one."""
    try:
        with open(os.path.join(store_dir, "program"), "rb") as file:
            return os.fsdecode(file.readline().rstrip(b"\n"))
    except OSError:
        return None


def usable_path(store_dir: str) -> str | None:
    """Return the program that the hooks start; None if none is configured or it is gone."""
    path = configured_path(store_dir)
    return path if path is not None and os.path.isabs(path) and os.access(path, os.X_OK) else None


def first_on_path() -> str | None:
    """Return the first git-agent on PATH, None without one."""
    return find_program(_NAME)


def is_git_agent(path: str) -> bool:
    """Return whether a program is an installation of this one: a small script that imports it."""
    try:
        with open(path, "rb") as file:
            return b"git_agent" in file.read(4096)
    except OSError:
        return False
