"""What is not as it was recorded because somebody changed branch or worktree by hand, and the command that helps."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from git_agent.actions.moved_along import moved_along
from git_agent.app import App
from git_agent.domain.task import State
from git_agent.git import places, registered
from git_agent.git.repo import Tips
from git_agent.git.state import git_dir_of, way_home
from git_agent.store.attempts import Standing


@dataclass(frozen=True, slots=True)
class Amiss:
    """One difference. code: a Finding's; key: a few words, remembered so that it is said once; kind: of its event;
    helps: the command, "" for none; more: what the line says after it.
    """

    code: str
    key: str
    kind: str
    says: str
    helps: str
    more: str = ""

    @property
    def line(self) -> str:
        """Say it with the command that helps."""
        return f"{self.says}: {self.helps}{self.more}" if self.helps else f"{self.says}{self.more}"


def amiss(app: App, each: Standing, tips: Tips) -> Amiss | None:
    """Compare a live attempt's branch and worktree with the record; None where nothing is wrong.

    Reads two small files of git's where nothing is; nothing is made again, and nothing is moved back.
    """
    spot = places.spot(app.repo.common_dir, each.admin)
    # Asked once more: it may have been made after the others were listed.
    if each.branch not in tips.heads and app.repo.branch_oid(each.branch) is None:
        return _without_branch(app, each, spot.head if spot else None, tips)
    helps, more = _without_worktree(each)
    kind = "task.worktree-removed"
    if spot is None:
        says = f"worktree {each.worktree} is not one of this repository any more (removed by hand)"
        return Amiss("worktree-removed", "worktree removed", kind, says, helps, more)
    if moved := moved_along(app, each):
        says = f"worktree {each.worktree} was moved with its repository, and is at {moved} now"
        return Amiss("worktree-moved", "worktree moved", kind, says, "git agent doctor --fix", " connects them again")
    if not os.path.isdir(each.worktree):
        more += "; if it was moved: git worktree repair PATH"
        return Amiss(
            "worktree-gone", "worktree gone", kind, f"worktree {each.worktree} was deleted by hand", helps, more
        )
    return _elsewhere(app, each) or _switched(app, each, spot.head, tips)


def _without_worktree(each: Standing) -> tuple[str, str]:
    """What is handed in needs no worktree any more."""
    if each.state is State.APPROVED:
        return f"git agent merge {each.task}", " needs none"
    if each.state is State.IN_REVIEW:
        return f"git agent approve {each.task}", f", then git agent merge {each.task}"
    return f"git agent reassign {each.task}", " makes another"


def _without_branch(app: App, each: Standing, head: str | None, tips: Tips) -> Amiss:
    says = f"branch '{each.branch}' is gone"
    if head in tips.heads and _renamed(app, each.branch, head or ""):
        says, helps = (
            f"{says} (renamed to '{head}' by hand)",
            f"git branch -m {shlex.quote(head or '')} {shlex.quote(each.branch)}",
        )
        key = f"branch renamed to {head}"
        return Amiss("branch-renamed", key, "task.branch-renamed", says, helps, " takes it back")
    helps = f"git branch {shlex.quote(each.branch)} {each.head_oid}"
    says = f"{says} (deleted by hand)"
    return Amiss("branch-gone", "branch gone", "task.branch-deleted", says, helps, " makes it again")


def _renamed(app: App, old: str, new: str) -> bool:
    """`git branch -m` takes the reflog along and writes into it what it did."""
    said = f"Branch: renamed refs/heads/{old} to refs/heads/{new}"
    args = ("log", "--walk-reflogs", "--max-count=20", "--format=%gs", "--end-of-options", f"refs/heads/{new}")
    return said in app.repo.git(*args, ok=(0, 128)).text.splitlines()


def _elsewhere(app: App, each: Standing) -> Amiss | None:
    """The registration is as it was, and so must be the way back from the worktree."""
    home, kind, where = git_dir_of(each.worktree), "task.worktree-removed", f"worktree {each.worktree}"
    if home == os.path.join(app.repo.common_dir, "worktrees", each.admin):
        return None
    if registered.claimed_elsewhere(app.repo, each.worktree):
        other = os.path.dirname(os.path.dirname(home or ""))
        says = f"{where} belongs to the repository {other}: this one is a copy"
        return Amiss("repository-copied", "worktree of another repository", kind, says, "")
    if os.path.basename(before := way_home(each.worktree)) == each.admin and not os.path.lexists(before):
        says = f"{where} does not find this repository, which was moved"
        return Amiss("repository-moved", "repository moved", kind, says, "git worktree repair")
    return _unlinked(app, each.worktree, home)


def _unlinked(app: App, path: str, home: str | None) -> Amiss:
    """Without a path, `git worktree repair` (2.39) writes the .git file anew from the registration, if there is no
    other thing in its place; with one it fails, or writes into whatever repository is named there.
    """
    dot, kind = os.path.join(path, ".git"), "task.worktree-removed"
    helps = f"git -C {shlex.quote(app.repo.main_worktree or app.repo.common_dir)} worktree repair"
    if os.path.lexists(dot) and (os.path.islink(dot) or not os.path.isfile(dot)):
        says = f"something else stands in the place of the .git file of worktree {path}"
        away = f"mv {shlex.quote(dot)} {shlex.quote(path + '.git-aside')}"
        return Amiss("worktree-covered", "worktree's .git covered", kind, says, f"{away}, then {helps}")
    leads = f"leads to {home}, which knows nothing of it" if home else "can't be read"
    says = f"the .git file of worktree {path} {leads if os.path.lexists(dot) else 'is gone'}"
    return Amiss("worktree-unlinked", "worktree's .git damaged", kind, says, helps)


def _switched(app: App, each: Standing, head: str | None, tips: Tips) -> Amiss | None:
    """The worker stands on another branch; commits that it makes there are not the task's."""
    if head is None or head == each.branch:
        return None
    tip = tips.heads.get(head, head)
    number = app.repo.git(
        "rev-list", "--count", "--end-of-options", tip, f"^refs/heads/{each.branch}", ok=(0, 128)
    ).text
    made = f" with commits that '{each.branch}' lacks ({number})" if number not in ("", "0") else ""
    where = head if head in tips.heads else "a detached HEAD"
    says = f"worktree {each.worktree} is on {where}{made}, not on '{each.branch}'"
    helps = f"git -C {shlex.quote(each.worktree)} switch {shlex.quote(each.branch)}"
    more = f", then git merge {tip[:12]}" if made else ""
    return Amiss("worktree-switched", f"worktree on {where}{made}", "task.switched", says, helps, more)
