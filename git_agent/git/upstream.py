"""The remote branch that a local branch follows: fetch it, and tell what a name of a remote branch is here."""

from __future__ import annotations

import shlex

from git_agent.git.push_check import NO_QUESTIONS
from git_agent.git.repo import HEADS, REMOTES, Repo
from git_agent.git.run import git

# Its name, the full ref there, and the full ref of its remote-tracking branch here, which may not exist yet
_FORMAT = "--format=%(upstream:remotename)%00%(upstream:remoteref)%00%(upstream)"
_LIMIT_S = 120.0  # for a fetch; after that, the attempt starts from the base as it is


def fetch_upstream(repo: Repo, branch: str) -> str | None:
    """Fetch what a branch follows and return that commit, a full oid; None if it follows nothing.

    Without configuration, it follows the branch of the same name on `origin`.
    Raises GitError when it can't be fetched, AgentError git-slow (exit 6) after two minutes.
    """
    remote, there, ref = repo.git("for-each-ref", _FORMAT, HEADS + branch).text.split("\0")
    if not ref:
        if "origin" not in repo.git("remote").text.splitlines():
            return None
        remote, there, ref = "origin", HEADS + branch, f"{REMOTES}origin/{branch}"
    if remote != ".":
        how = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--")
        # A fetch may update the shallow file, so it reads all of it, not what repo.git shows of it.
        git(*how, remote, there, git_dir=repo.common_dir, cwd=repo.remotes_from, env=NO_QUESTIONS, timeout=_LIMIT_S)
    return repo.resolve(ref)


def forward_command(repo: Repo, branch: str, upstream: str, ahead: int) -> str:
    """Return the command that fast-forwards a branch, or that shows what has diverged.

    upstream: the short name of the remote-tracking branch, such as `origin/main`.
    ahead: how many commits the branch has that the upstream lacks.
    """
    if ahead:
        return f"git log {shlex.quote(branch)}...{shlex.quote(upstream)}"
    head = repo.head(branch)
    if head is None or head.worktree is None:
        return f"git fetch . {shlex.quote(f'{REMOTES}{upstream}:{branch}')}"
    return f"git -C {shlex.quote(head.worktree)} merge --ff-only {shlex.quote(upstream)}"


def local_name(repo: Repo, name: str) -> str | None:
    """Return what a remote-tracking branch such as `upstream/main` is called on its remote: `main`.

    Returns None if there is no such remote-tracking branch.
    """
    short = name.removeprefix("refs/").removeprefix("remotes/")
    remotes = sorted(repo.git("remote").text.splitlines(), key=len, reverse=True)
    found = next((short.removeprefix(f"{each}/") for each in remotes if short.startswith(f"{each}/")), None)
    return found if found and repo.resolve(REMOTES + short) else None
