"""Install a shell's completion and the manual page where the shell and man find them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from git_agent.cli.completion.scripts import MARK, SCRIPTS
from git_agent.errors import AgentError, refused
from git_agent.files import replace_file
from git_agent.record import Record


class Placed(Record):
    """An installed file.

    changed: whether it was written or replaced
    """

    path: str
    changed: bool


class Installed(Record):
    """The installed files, and what the person still has to do."""

    placed: tuple[Placed, ...]
    todo: tuple[str, ...]


def install(shell: str, manual: str, env: Mapping[str, str]) -> Installed:
    """Install a shell's script and the manual page. A second call changes nothing.

    shell: bash, zsh or fish
    manual: the text of the manual page
    env: the environment
    Raises AgentError: exit 3 when a file of that name is not ours, exit 1 without HOME or when a file can't be written.
    """
    where = _place(shell, env)
    page = _data(env) / "man/man1/git-agent.1"
    placed = (_write(where, SCRIPTS[shell]), _manual(page, manual))
    return Installed(placed, tuple(_todo(shell, where, page, env)))


def said(done: Installed) -> list[str]:
    """Return the lines that say what was written where, and what is left to do."""
    lines = [f"{'wrote' if p.changed else 'already installed:'} {p.path}" for p in done.placed]
    return [*lines, *(f"next: {text}" for text in done.todo)]


def _home(env: Mapping[str, str]) -> Path:
    if not env.get("HOME"):
        raise AgentError("no-home", "HOME is not set", "git agent completion SHELL prints the script")
    return Path(env["HOME"])


def _data(env: Mapping[str, str]) -> Path:
    """Return XDG_DATA_HOME, which must be absolute (XDG Base Directory Specification), or its default."""
    given = env.get("XDG_DATA_HOME", "")
    return Path(given) if os.path.isabs(given) else _home(env) / ".local/share"


def _place(shell: str, env: Mapping[str, str]) -> Path:
    if shell == "bash":
        own = env.get("BASH_COMPLETION_USER_DIR", "").partition(":")[0]
        return (Path(own) if own else _data(env) / "bash-completion") / "completions/git-agent"
    if shell == "zsh":
        return _data(env) / "zsh/site-functions/_git-agent"
    given = env.get("XDG_CONFIG_HOME", "")
    return (Path(given) if os.path.isabs(given) else _home(env) / ".config") / "fish/conf.d/git-agent.fish"


def _write(path: Path, text: str) -> Placed:
    try:
        there = path.read_text() if path.exists() else None
        if there == text:
            return Placed(str(path), changed=False)
        if path.is_symlink() or (there is not None and MARK not in there):
            raise refused("not-ours", f"'{path}' was not written by git agent", "move it away")
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(str(path), text.encode())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise AgentError(
            "not-writable", f"cannot write '{path}': {reason}", "git agent completion SHELL prints it"
        ) from error
    return Placed(str(path), changed=True)


def _manual(path: Path, page: str) -> Placed:
    """Link the page that was installed with the program, so that an upgrade updates it. If there is none, write it."""
    shipped = Path(sys.prefix, "share/man/man1/git-agent.1")
    # An editable installation keeps the page from the day of its installation.
    if not shipped.exists() or shipped.read_text() != page:
        return _write(path, page)
    if path.is_symlink() and path.readlink() == shipped:
        return Placed(str(path), changed=False)
    return _link(path, shipped)


def _link(path: Path, shipped: Path) -> Placed:
    try:
        if path.is_symlink() or (path.exists() and MARK in path.read_text()):
            path.unlink()
        elif path.exists():
            raise refused("not-ours", f"'{path}' was not written by git agent", "move it away")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(shipped)
    except OSError as error:
        raise AgentError("not-writable", f"cannot write '{path}': {error.strerror}", "make it writable") from error
    return Placed(str(path), changed=True)


def _todo(shell: str, where: Path, page: Path, env: Mapping[str, str]) -> list[str]:
    path, folder = shlex.quote(str(where)), shlex.quote(str(where.parent))
    todo = {
        "bash": f"open a new shell; where bash-completion is not installed, add to ~/.bashrc: . {path}",
        "zsh": f"add to ~/.zshrc, above compinit: fpath=({folder} $fpath)",
        "fish": "open a new shell",
    }
    return [todo[shell], *_todo_man(page.parent.parent, env)]


def _todo_man(manuals: Path, env: Mapping[str, str]) -> list[str]:
    """Return how to make man find the page. For each `bin` on PATH, man searches `share/man` beside it (manpath(1))."""
    beside = str(manuals.parent.parent / "bin")
    if str(manuals) in env.get("MANPATH", "").split(":"):
        return []
    if not env.get("MANPATH") and manuals.parent.name == "share" and beside in env.get("PATH", "").split(":"):
        return []
    return [f"add to ~/.profile, for the manual page: export MANPATH={shlex.quote(str(manuals))}:$MANPATH"]
