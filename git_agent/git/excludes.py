"""Tell git to ignore what we put into a repository, without touching its .gitignore."""

from __future__ import annotations

import os
import re
import stat

from git_agent.errors import AgentError
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo

# One name, written under our lock: what a killed process leaves is overwritten by the next one, or swept up.
TEMPORARY = "exclude.git-agent"


def pattern(path: str) -> str:
    """Write the pattern that means just this path, relative to the top of a worktree (gitignore(5))."""
    return "/" + re.sub(r"([\\*?\[\]!# ])", r"\\\1", path)


def exclude(repo: Repo, pattern: str) -> None:
    """Add a pattern to <common>/info/exclude unless it is there; what is there stays, byte for byte."""
    line = os.fsencode(pattern)
    if b"\n" in line:
        raise AgentError("bad-pattern", f"a pattern is one line: {pattern!a}", "git config agent.link <path>")
    with creation_lock(repo):
        path = os.path.realpath(os.path.join(repo.common_dir, "info", "exclude"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            with open(path, "rb") as file:
                held, mode = file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except FileNotFoundError:
            held, mode = b"", 0o644
        if line in held.split(b"\n"):
            return
        _replace(path, held + (b"" if held.endswith(b"\n") or not held else b"\n") + line + b"\n", mode)


def admit(repo: Repo, pattern: str) -> None:
    """Take a pattern of ours out of <common>/info/exclude again; what else is there stays, byte for byte."""
    with creation_lock(repo):
        path = os.path.realpath(os.path.join(repo.common_dir, "info", "exclude"))
        try:
            with open(path, "rb") as file:
                held, mode = file.read(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        except FileNotFoundError:
            return
        _replace(
            path, b"".join(each for each in held.splitlines(True) if each.rstrip(b"\n") != os.fsencode(pattern)), mode
        )


def _replace(path: str, content: bytes, mode: int) -> None:
    temporary = os.path.join(os.path.dirname(path), TEMPORARY)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            os.fchmod(fd, mode)
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
