"""Write instructions for agents into AGENTS.md, between markers. The rest of the file belongs to its owner."""

from __future__ import annotations

import os
import stat

from git_agent.app import App
from git_agent.errors import refused
from git_agent.files import replace_file
from git_agent.git.errors import explain_system_errors
from git_agent.integrations import guide, marked_block
from git_agent.record import Record

FILE = "AGENTS.md"


class AgentsMd(Record):
    """The file. changed: it was written; False when it was up to date."""

    path: str
    changed: bool


def agents_md(app: App) -> AgentsMd:
    """Write our part of AGENTS.md at the top of the current worktree, or of the main worktree outside of any.

    The file is replaced atomically. Its line endings and mode stay.
    Raises AgentError (exit 3) when there is no worktree, when the path is not a regular file (such as a symbolic link),
    or when the markers don't form a pair.
    """
    top = app.repo.worktree or app.repo.main_worktree
    if top is None:
        says = f"a bare repository has no place for {FILE}"
        raise refused("no-worktree", says, "git agent init --agents-md, in a worktree of it")
    path = os.path.join(top, FILE)
    with explain_system_errors():
        held = _read(path)
        text = held.decode("utf-8", "surrogateescape")
        wanted = marked_block.replace_block(text, guide.fragment()).encode("utf-8", "surrogateescape")
        if wanted != held:
            replace_file(path, wanted, sync=True)
    return AgentsMd(path, wanted != held)


def _read(path: str) -> bytes:
    try:
        seen = os.lstat(path)
    except FileNotFoundError:
        return b""
    if not stat.S_ISREG(seen.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(seen.st_mode) else "not a regular file"
        hint = "put the text there yourself: it is docs/SKILL.md of git agent"
        raise refused("not-a-file", f"{path} is {what}; it is left as it is", hint)
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read()
