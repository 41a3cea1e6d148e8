"""Add a worktree for a task: locked from the start, complete or rolled back."""

from __future__ import annotations

import contextlib
import os
import shlex

from git_agent.errors import AgentError, refused
from git_agent.git.locks import creation_lock
from git_agent.git.repo import Repo
from git_agent.git.worktree_state import ending_command
from git_agent.git.worktrees import checkout
from git_agent.git.worktrees.registry import LOCK_REASON, real_path, registrations_at
from git_agent.git.worktrees.remove import roll_back_worktree


def add_worktree(
    repo: Repo, *, task: int, branch: str, path: str, oid: str, new: bool = False, terminal: bool = False
) -> str:
    """Create a worktree at path for a branch that is not checked out; return its name under worktrees/.

    task: the number in the reason of its lock, which it has from the start.
    branch: an existing branch, at oid (a full oid).
    new: the caller has just created the branch, so it can be checked out elsewhere only by a race, which git refuses.
    terminal: show git's progress on our stderr.
    Raises AgentError (exit 3) when the target or the branch is taken, git's error when the checkout fails. Everything
    but the branch is rolled back then.
    """
    if not new:
        _refuse_branch(repo, branch, oid)
    real, config = real_path(path), checkout.settings(repo)
    with creation_lock(repo):
        _refuse_target(repo, real)
        before = os.path.isdir(real)
        parents = _make_parents(real)
        try:
            filled = _register(repo, task, branch, real, oid, config)
        except BaseException:
            _roll_back(repo, task, real, before, parents)
            raise
    try:
        # Outside the lock: a filter that downloads may take minutes, and others need their worktrees meanwhile.
        here = repo.checkout(real)
        here = here if "core.hookspath" in config else here._replace(hooks=None)  # the same answer, without asking
        if not filled:
            checkout.fill(here, config, terminal)
        checkout.post_checkout(repo, here, oid, config, terminal)
    except BaseException:
        with creation_lock(repo):
            _roll_back(repo, task, real, before, parents)
        raise
    return registrations_at(repo, real)[0].admin


def _register(repo: Repo, task: int, branch: str, real: str, oid: str, config: dict[str, str]) -> bool:
    reason = LOCK_REASON.format(task=task)
    # libgit2 refuses an existing directory, even an empty one.
    suits = not os.path.lexists(real) and checkout.suits_pygit2(repo, oid, config)
    name = checkout.by_pygit2(repo, branch, real) if suits else None
    if name is not None:
        # libgit2 has no function for this; gitrepository-layout(5) documents the file.
        with open(os.path.join(repo.admin_dir(name), "locked"), "w", encoding="utf-8") as file:
            file.write(reason)
        return True
    if suits:
        roll_back_worktree(repo, real, task=task, finished=True)
    # Neither -b nor --track: the branch exists, and tracking would write .git/config (measured: 16 of 24 at once fail).
    repo.git("worktree", "add", "--no-checkout", "--lock", "--reason", reason, "--", real, branch)
    return False


def _roll_back(repo: Repo, task: int, real: str, before: bool, parents: list[str]) -> None:
    # The original error matters more than one of the rollback; registration_at() shows what is left.
    with contextlib.suppress(AgentError, OSError):
        roll_back_worktree(repo, real, task=task, finished=True)
        if before:
            os.makedirs(real, exist_ok=True)
    for parent in reversed(parents):
        with contextlib.suppress(OSError):
            os.rmdir(parent)


def _make_parents(real: str) -> list[str]:
    missing, at = [], os.path.dirname(real)
    while not os.path.isdir(at):
        missing.append(at)
        at = os.path.dirname(at)
    missing.reverse()
    try:
        for each in missing:
            os.mkdir(each)
    except FileExistsError as error:
        if not os.path.isdir(os.path.dirname(real)):
            says = f"can't create {os.path.dirname(real)}: a file is in the way"
            raise refused("bad-worktree-dir", says, "git config agent.worktreeDir DIRECTORY") from error
    except OSError as error:
        says = f"can't create {os.path.dirname(real)}: {error.strerror}"
        raise AgentError("cannot-write", says, "git config agent.worktreeDir DIRECTORY") from error
    return missing


def _refuse_target(repo: Repo, real: str) -> None:
    if registrations_at(repo, real):
        raise refused("target-exists", f"{real} is registered as a worktree already", "git worktree list")
    if not os.path.lexists(real):
        return
    if os.path.islink(real):
        why = "is a symbolic link"
    elif not os.path.isdir(real):
        why = "is a file"
    elif os.listdir(real):
        why = "is a directory that is not empty"
    else:
        return
    raise refused("target-exists", f"{real} {why}", f"mv {shlex.quote(real)} {shlex.quote(real + '.aside')}")


def _refuse_branch(repo: Repo, branch: str, oid: str) -> None:
    if branch.startswith("-"):
        # `git worktree add` misreads such a name and detaches HEAD (measured, 2.39).
        raise refused("bad-branch", f"git can't check out a branch named {branch}", "git branch -m -- <old> <new>")
    head = repo.head(branch)
    if head is None:
        raise refused("no-branch", f"there is no branch {branch}", "git branch --list")
    if head.worktree:
        raise refused("branch-taken", f"branch {branch} is checked out in {head.worktree}", "git worktree list")
    if where := repo.rebasing(branch):
        hint = ending_command(where, repo.in_progress(where))
        raise refused("branch-taken", f"branch {branch} is being rebased or bisected in {where}", hint)
    if head.oid != oid:
        raise refused("branch-moved", f"branch {branch} is at {head.oid[:12]}, expected {oid[:12]}", "try again")
