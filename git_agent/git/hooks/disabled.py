"""Run git without any hooks."""

from __future__ import annotations

from git_agent.git.repo import Repo


def without_hooks(repo: Repo) -> tuple[str, ...]:
    """Return the options with which git runs no hook, neither from files nor from its configuration.

    Hooks of the configuration (git 2.54, hook.<name>.command) run in spite of core.hooksPath (measured); git-config(1)
    documents hook.<name>.enabled.
    """
    keys = repo.git("config", "--null", "--name-only", "--get-regexp", r"^hook\..*\.event$", ok=(0, 1)).fields
    names = {key.removesuffix(".event") for key in keys if key}
    off = (word for name in sorted(names) for word in ("-c", f"{name}.enabled=false"))
    return ("-c", "core.hooksPath=/dev/null", *off)
