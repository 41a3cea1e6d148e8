"""Ask the user's login shell which git-agent it finds: some agent programs run commands as `bash -lc` does."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from git_agent.proc.program import own_path
from git_agent.proc.shell import run_shell
from git_agent.record import Record

# The files that the login shells read, in the order in which they look; only the first that exists is read.
_PROFILES: Mapping[str, tuple[str, ...]] = {
    "bash": (".bash_profile", ".bash_login", ".profile"),
    "zsh": (".zprofile",),
    **dict.fromkeys(("sh", "dash", "ksh", "mksh"), (".profile",)),
    "fish": (".config/fish/config.fish",),
}
_ASKED = "command -v git-agent"
_LIMIT_S = 5.0
# Variables that name what a shell reads at its start. A tool such as direnv may have set them to files of a repository.
_READ = ("BASH_ENV", "ENV", "ZDOTDIR", "XDG_CONFIG_HOME")


class LoginShell(Record):
    """A login shell.

    command: how it runs a command, as people type it: `/bin/bash -lc`
    found: the git-agent that it finds, None for none
    answered: it ended in time
    """

    command: str
    found: str | None
    answered: bool


def ask_login_shell(avoid: Sequence[str]) -> LoginShell | None:
    """Start the login shell of the user's account in the home directory, for at most 5 s, and ask it for git-agent.

    avoid: directories from which nothing is run, such as the repository
    Returns None if the account has no shell that is known here.
    """
    shell = _shell()
    if shell is None:
        return None
    told: list[str] = []
    away = tuple(os.path.realpath(each) for each in avoid)
    unset = " ".join(name for name in _READ if _is_inside(os.environ.get(name, ""), away))
    asked = f"{f'unset {unset}; ' if unset else ''}exec {shlex.quote(shell)} -l -c {shlex.quote(_ASKED)}"
    ended = run_shell(asked, os.path.expanduser("~"), {"PATH": _path(away)}, told.append, within_s=_LIMIT_S)
    # A profile may print as well.
    found = next((line for line in told if os.path.isabs(line) and os.path.basename(line) == "git-agent"), None)
    return LoginShell(f"{shell} -lc", found, ended.status is not None)


def line_for_login(command: str) -> str:
    """Return the command that puts this git-agent on the PATH of a login shell. command: as in LoginShell"""
    name = os.path.basename(command.split(" ", maxsplit=1)[0])
    profiles, directory = _PROFILES[name], shlex.quote(os.path.dirname(own_path()))
    if name == "fish":
        return f"fish -c {shlex.quote(f'fish_add_path {directory}')}"
    home = os.path.expanduser("~")
    file = next((each for each in profiles if os.path.exists(os.path.join(home, each))), profiles[-1])
    line = f'export PATH={directory}:"$PATH"'
    return f"echo {shlex.quote(line)} >> ~/{file}"


def _shell() -> str | None:
    """Return the shell of the account. The variable SHELL is not asked: a repository's environment may have set it."""
    import pwd

    try:
        shell = pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        return None
    return shell if os.path.basename(shell) in _PROFILES and os.access(shell, os.X_OK) else None


def _path(away: Sequence[str]) -> str:
    """Return PATH without directories of the repository, except that of the program that runs now."""
    own = os.path.dirname(own_path())
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(
        each for each in parts if each == own or (os.path.isabs(each) and not _is_inside(each, away))
    )


def _is_inside(path: str, away: Sequence[str]) -> bool:
    real = os.path.realpath(path) if path else ""
    return any(real == each or real.startswith(f"{each}{os.sep}") for each in away)
