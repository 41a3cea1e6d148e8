"""Populate a new worktree: with pygit2 where that is correct and fast, else with git; then run post-checkout."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from git_agent.errors import AgentError
from git_agent.files import replace_file
from git_agent.git import versions
from git_agent.git.run import GitError, decode, git_environment

if TYPE_CHECKING:
    import pygit2

    from git_agent.git.place import Checkout
    from git_agent.git.repo import Repo

# Files; measured on tmpfs: pygit2 29 ms and git 48 at 200, 44 and 60 at 400, 75 and 79 at 800.
_SMALL = 400
_KEYS = (
    r"^(core\.(sparsecheckout|hookspath|attributesfile|autocrlf|eol|splitindex|symlinks|protect.*|worktree)"
    r"|checkout\.workers|extensions\..*|remote\..*\.promisor|hook\..*|worktree\..*|index\.sparse)$"
)

# GIT_CONFIG_GLOBAL and the like hide these from git only.
_ITS_OWN = ("core.autocrlf", "core.eol", "core.attributesFile", "core.symlinks")


def settings(repo: Repo) -> dict[str, str]:
    """Return the configuration that matters when files are written, with keys as git prints them."""
    fields = repo.git("config", "--null", "--get-regexp", _KEYS, ok=(0, 1)).fields
    found = dict(field.partition("\n")[::2] for field in fields if field)
    # A checkout runs none of our own hooks.
    return {key: value for key, value in found.items() if not key.startswith("hook.git-agent-")}


def suits_pygit2(repo: Repo, oid: str, config: dict[str, str]) -> bool:
    """Tell whether pygit2 is loaded and writes this commit's worktree exactly as git does.

    It does not with filters or re-encoding, sparse checkouts, missing objects, hooks (it runs none), or configuration
    that only one of the two reads (GIT_CONFIG_*).
    """
    if "pygit2" not in sys.modules:
        return False
    harmless = {"extensions.objectformat", "extensions.worktreeconfig", "checkout.workers"}
    if any(key not in harmless for key in config):
        return False
    if os.path.exists(os.path.join(repo.common_dir, "hooks", "post-checkout")) or _attributes_elsewhere(repo):
        return False
    import pygit2

    try:
        opened = pygit2.Repository(repo.common_dir)
        if any(key in opened.config for key in _ITS_OWN):
            return False
        return _is_plain(opened, opened[oid].peel(pygit2.Tree), [0])
    except (pygit2.GitError, ValueError, KeyError, OSError):
        return False


def by_pygit2(repo: Repo, branch: str, path: str) -> str | None:
    """Create and populate a worktree with pygit2; return its name under worktrees/, None on failure.

    After a failure the caller rolls back what is half made. Unlike git it starts no reflog of HEAD (measured).
    """
    import pygit2

    try:
        return _add(pygit2.Repository(repo.common_dir), repo, branch, path)
    except (pygit2.GitError, ValueError, KeyError, OSError):
        return None


def _add(opened: pygit2.Repository, repo: Repo, branch: str, path: str) -> str:
    person, _, email = repo.identity().rpartition(" <")
    opened.set_ident(person or "git agent", email.removesuffix(">") or "git-agent")
    wanted = name = os.path.basename(path)
    at = 0
    while os.path.exists(repo.admin_dir(name)):
        at += 1
        name = f"{wanted}{at}"
    try:
        opened.add_worktree(name, path, opened.references["refs/heads/" + branch])
    except BaseException:
        with contextlib.suppress(OSError):  # libgit2 leaves it empty if it can't write the worktree (measured)
            os.rmdir(repo.admin_dir(name))
        raise
    _relocate(repo.admin_dir(name))
    return name


def _relocate(admin: str) -> None:
    """Make the path to the repository relative: libgit2 writes an absolute one (measured).

    After a move or a copy that would still name the old place.
    """
    replace_file(os.path.join(admin, "commondir"), b"../..\n")


def fill(here: Checkout, config: dict[str, str], terminal: bool) -> None:
    """Write the files of HEAD into a worktree created without them, with the command `git worktree add` uses."""
    # Measured: four workers help from 20,000 files on, or on a slow disk, and never hurt.
    workers = () if "checkout.workers" in config else ("-c", "checkout.workers=4")
    quiet = () if terminal else ("--quiet",)
    here.git(*workers, "reset", "--hard", "--no-recurse-submodules", *quiet, terminal=terminal)


def post_checkout(repo: Repo, here: Checkout, oid: str, config: dict[str, str], terminal: bool) -> None:
    """Run the post-checkout hook as `git worktree add` does. Raises AgentError hook-refused when it fails."""
    args = ("0" * len(oid), oid, "1")
    if any(key.startswith("hook.") for key in config) and versions.git_version() >= (2, 54, 0):
        try:
            here.git("hook", "run", "--ignore-missing", "post-checkout", "--", *args, terminal=terminal)
        except GitError as error:
            raise _failed(error.status, error.stderr) from error
        return
    # `git hook run` exports GIT_DIR (measured), `git worktree add` does not: a hook that works on another repository
    # must find that one.
    hooks = os.path.join(repo.common_dir, "hooks")
    if "core.hookspath" in config:
        hooks = here.git("rev-parse", "--path-format=absolute", "--git-path", "hooks").text
    hook = os.path.join(hooks, "post-checkout")
    if not (os.path.isfile(hook) and os.access(hook, os.X_OK)):
        return
    out = None if terminal else subprocess.PIPE
    try:
        ended = subprocess.run(
            [hook, *args],
            cwd=here.path,
            env=git_environment(cwd=here.path),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno() if terminal else subprocess.PIPE,
            stderr=out if terminal else subprocess.STDOUT,
        )
    except OSError as error:
        raise _failed(error.errno or 1, f"cannot run {hook}: {error.strerror}") from error
    if ended.returncode:
        raise _failed(ended.returncode, decode(ended.stdout or b""))


def _failed(status: int, said: str) -> AgentError:
    lines = tuple(line for line in said.splitlines() if line.strip())
    return AgentError(
        "hook-refused", f"the post-checkout hook failed with status {status}", "fix the hook", details=lines
    )


def _attributes_elsewhere(repo: Repo) -> bool:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    places = (os.path.join(repo.common_dir, "info", "attributes"), os.path.join(home, "git", "attributes"))
    return any(os.path.exists(place) for place in (*places, "/etc/gitattributes"))


def _is_plain(opened: pygit2.Repository, tree: pygit2.Tree, count: list[int]) -> bool:
    for entry in tree:
        if entry.type_str == "tree":
            if not _is_plain(opened, opened[entry.id].peel(type(tree)), count):
                return False
            continue
        count[0] += 1
        if count[0] > _SMALL or (entry.name == ".gitattributes" and _writes(opened[entry.id].read_raw())):
            return False
    return True


def _writes(attributes: bytes) -> bool:
    return b"filter" in attributes or b"working-tree-encoding" in attributes
