"""Find the repository of a directory, from any of the places that git allows."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping

from git_agent.errors import AgentError
from git_agent.files import read_or_empty
from git_agent.git.run import GitError, git
from git_agent.record import Record

_ASKED = ("--is-bare-repository", "--is-inside-work-tree", "--git-dir", "--git-common-dir", "--show-toplevel")
_POINTER = 16384  # bytes of a .git file; PATH_MAX is 4096
_CALLERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_IMPLICIT_WORK_TREE", "GIT_OBJECT_DIRECTORY")


class Location(Record):
    """Where a repository is; Repo explains the fields."""

    common_dir: str
    git_dir: str
    worktree: str | None
    main_worktree: str | None
    bare: bool


def discover(path: str | None) -> Location:
    """Find the repository of a path.

    path: a directory; None: the current one.
    Raises AgentError when there is none.
    """
    env = {name: os.environ[name] for name in _CALLERS if name in os.environ}
    _, inside, git_dir, common, top = _ask(path, env)
    git_dir, common = os.path.realpath(git_dir), os.path.realpath(common)
    worktree = os.path.realpath(top) if inside == "true" and top else None
    if git_dir != common and "GIT_DIR" in env and "GIT_WORK_TREE" not in env:
        worktree = linked(git_dir) or worktree  # with GIT_DIR alone git takes any directory for the top level
    if git_dir == common and worktree and "GIT_DIR" not in env:
        return Location(common, git_dir, worktree, worktree, False)
    bare, main = _main(common)
    if main is None and not bare and git_dir == common:
        main = worktree
    return Location(common, git_dir, worktree, main, bare)


def admin_dir(common_dir: str, admin: str) -> str:
    """Return the git directory of a linked worktree, existing or not: gitrepository-layout(5) describes what is in it.

    admin: the worktree's name under worktrees/; "" for the directory of all of them.
    """
    return os.path.join(common_dir, "worktrees", admin)


def head_branch(common_dir: str) -> str | None:
    """Return the branch that the main worktree's HEAD names; None where only git can tell, or it is detached.

    Where refs are in tables, the file names `.invalid` (gitrepository-layout(5)).
    """
    ref = os.fsdecode(read_or_empty(os.path.join(common_dir, "HEAD"))).rstrip("\n")
    branch = ref.removeprefix("ref: refs/heads/")
    return None if branch in (ref, ".invalid") else branch


def is_whole(common_dir: str) -> bool:
    """Return whether a repository still has what every repository has. `rm -rf` deletes that in any order."""
    return all(os.path.lexists(os.path.join(common_dir, part)) for part in ("HEAD", "objects", "refs"))


def admin_dirs(common_dir: str) -> list[str]:
    """List the git directories of all linked worktrees, by name; none where they can't be listed."""
    try:
        return [admin_dir(common_dir, name) for name in sorted(os.listdir(os.path.join(common_dir, "worktrees")))]
    except OSError:
        return []


def is_admin_dir(common_dir: str, git_dir: str | None) -> bool:
    """Tell whether a git directory is that of a linked worktree of this repository, by its path alone."""
    return git_dir is not None and os.path.dirname(git_dir) == os.path.join(common_dir, "worktrees")


def git_dir_of(worktree: str) -> str | None:
    """Return the git directory of a worktree, None when it has no readable .git. Starts no git."""
    dot = os.path.join(worktree, ".git")
    if os.path.isdir(dot):
        return os.path.realpath(dot)
    if not os.path.isfile(dot):  # opening a FIFO would block
        return None
    try:
        with open(dot, "rb") as file:
            raw = file.read(_POINTER + 1)
    except OSError:
        return None
    text = os.fsdecode(raw.rstrip(b"\r\n"))
    pointer = text.removeprefix("gitdir: ")
    # git reads all of it, up to a NUL: what would lead it elsewhere than us is no pointer.
    if pointer == text or len(raw) > _POINTER or "\0" in text:
        return None
    return os.path.realpath(os.path.join(worktree, pointer))


def named_git_dir(path: str) -> str:
    """Return the registration that a directory's .git file names, there or not; "" when it is no linked worktree."""
    home = git_dir_of(path)
    return home if home is not None and os.path.basename(os.path.dirname(home)) == "worktrees" else ""


def linked(git_dir: str) -> str | None:
    """Return the top level of the worktree with this git directory, None while its `gitdir` can't be read."""
    try:
        with open(os.path.join(git_dir, "gitdir"), "rb") as file:
            pointer = os.fsdecode(file.read().removesuffix(b"\n"))
    except OSError:
        return None
    if not pointer or "\0" in pointer:  # killed between making the file and writing it, or damaged
        return None
    # git 2.48 and newer may write the pointer relative to the administrative directory.
    return os.path.realpath(os.path.dirname(os.path.join(git_dir, pointer)))


def login(uid: int | None = None) -> str:
    """Return the name of a user. uid: None for the one that we run as."""
    number = os.getuid() if uid is None else uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def _ask(path: str | None, env: Mapping[str, str]) -> list[str]:
    try:
        done = git("rev-parse", "--path-format=absolute", *_ASKED, cwd=path, env=env, ok=(0, 128))
    except AgentError as error:
        raise (_explained(error, path) if isinstance(error, GitError) else error) from error
    lines = done.text.split("\n")
    if len(lines) < 4 or (done.status and "must be run in a work tree" not in done.err):
        raise _explained(GitError(("git", "rev-parse"), done.status, done.err), path)
    if len(lines) == (5 if done.status == 0 else 4):
        return [*lines, ""][:5]
    return [_one(each, path, env) for each in _ASKED]  # a newline in a path


def _one(question: str, path: str | None, env: Mapping[str, str]) -> str:
    done = git("rev-parse", "--path-format=absolute", question, cwd=path, env=env, ok=(0, 128))
    return done.text if done.status == 0 else ""


def _lost(error: GitError, path: str | None) -> str | None:
    """Return the directory of a worktree that its .git file names and that is gone."""
    if lost := re.search(r"not a git repository: (.*/worktrees/[^/\n]*)", error.stderr):
        return lost[1]
    if "not a git repository: (null)" in error.stderr:  # git 2.55
        return _git_file_above(os.path.abspath(path or "."))
    return None


def _git_file_above(where: str) -> str | None:
    """Return what the nearest file `.git` names; pathlib, which would be shorter, costs every command 2 ms."""
    while True:
        file = os.path.join(where, ".git")
        if os.path.isfile(file):
            return os.fsdecode(read_or_empty(file)).removeprefix("gitdir: ").rstrip("\n")
        if where == os.path.dirname(where):
            return None
        where = os.path.dirname(where)


def _explained(error: GitError, path: str | None) -> AgentError:
    if "dubious ownership" in error.stderr:
        hint = next((line.strip() for line in error.details if "safe.directory" in line), "")
        return AgentError("unsafe-repository", error.message, hint, details=error.details)
    if lost := _lost(error, path):
        says = f"the repository of this worktree is not where it was: {lost} is gone"
        return AgentError("worktree-lost", says, "in the repository, if it was moved: git worktree repair")
    if re.search(r"not a git repository", error.stderr):
        says = "not a git repository (or any of the parent directories)"
        return AgentError("not-a-repository", says, "cd into a repository; git init creates one")
    return AgentError("not-a-repository", error.message, "git rev-parse --git-dir", details=error.details)


def _main(common: str) -> tuple[bool, str | None]:
    done = git("config", "--null", "--get-regexp", r"^core\.(bare|worktree)$", git_dir=common, cwd=common, ok=(0, 1))
    settings = dict(field.partition("\n")[::2] for field in done.fields if field)
    if settings.get("core.worktree"):
        return False, os.path.realpath(os.path.join(common, settings["core.worktree"]))
    plain = os.path.basename(common) == ".git"
    if settings.get("core.bare", "false" if plain else "true").lower() in ("true", "yes", "on", "1", ""):
        return True, None
    return False, os.path.dirname(common) if plain else None
