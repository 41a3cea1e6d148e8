"""Find and record drift: branches and worktrees that somebody changed by hand."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Sequence

from git_agent.app import App
from git_agent.domain.advice import bring_back, without_worktree
from git_agent.domain.speaker import GIT
from git_agent.domain.task import State
from git_agent.errors import AgentError
from git_agent.git.discover import git_dir_of, named_git_dir
from git_agent.git.history import find_renamed
from git_agent.git.place import misled_registration, own_programs
from git_agent.git.repo import Tips
from git_agent.git.worktrees import registry
from git_agent.git.worktrees.connected import connected
from git_agent.record import Record
from git_agent.store.attempts import Standing


class Drift(Record):
    """One difference between the record and git.

    code: a Finding's
    key: a few words, remembered so that it is reported once
    kind: the kind of its event
    hint: the command that fixes it, "" for none
    more: what the line says after the command
    """

    code: str
    key: str
    kind: str
    says: str
    hint: str
    more: str = ""

    @property
    def line(self) -> str:
        """Return the line that describes it, with the hint."""
        return f"{self.says}: {self.hint}{self.more}" if self.hint else f"{self.says}{self.more}"


def find_drift(app: App, each: Standing, tips: Tips) -> Drift | None:
    """Compare a live attempt's branch and worktree with the record; return None when nothing is wrong.

    tips: where the branches are
    Costs reading two small files of git's when nothing is wrong. Nothing is recreated or moved back.
    """
    there = registry.registration(app.repo, each.admin)
    if (app.damaged or each.branch not in tips.heads) and (found := _damaged(app, each, tips)):
        return found
    # Ask once more: the branch may have been made after the others were listed.
    if each.branch not in tips.heads and app.repo.branch_oid(each.branch) is None:
        return _without_branch(app, each, there.head if there else None, tips)
    hint, more = without_worktree(each.task, each.state)
    kind = "task.worktree-removed"
    if there is None:
        says = f"worktree {each.worktree} no longer belongs to this repository (removed by hand)"
        return Drift("worktree-removed", "worktree removed", kind, says, hint, more)
    if moved := find_moved_worktree(app, each):
        says = f"worktree {each.worktree} was moved with its repository and is now at {moved}"
        return Drift("worktree-moved", "worktree moved", kind, says, "git agent doctor --fix", " reconnects them")
    if not os.path.isdir(each.worktree):
        more += "; if it was moved: git worktree repair PATH"
        return Drift(
            "worktree-gone", "worktree gone", kind, f"worktree {each.worktree} was deleted by hand", hint, more
        )
    return _elsewhere(app, each, there.path) or _switched(app, each, there.head, tips) or _lost(app, each, tips)


def _damaged(app: App, each: Standing, tips: Tips) -> Drift | None:
    from git_agent.actions.reconcile.damage import describe_damage

    found = describe_damage(app, each, tips)
    more = " sets it back; the files of the worktree stay"
    return Drift("branch-damaged", "branch damaged", "task.branch-damaged", *found, more) if found else None


def _lost(app: App, each: Standing, tips: Tips) -> Drift | None:
    """Report a branch in review that has lost what was handed in. Costs nothing for a branch with work of its own."""
    handed, tip, base = tips.handed_in.get(each.task), tips.heads.get(each.branch), tips.heads.get(each.base)
    if each.state not in (State.IN_REVIEW, State.APPROVED) or (each.worked and tip == each.head_oid):
        return None
    if handed is None or tip is None or base is None or handed == tip:
        return None
    from git_agent.git.merging.fork import own_work

    if own_work(app.repo, base, tip, each.base_oid, limit=1):
        return None
    says = f"branch '{each.branch}' no longer has the commits that were handed in ({handed[:12]})"
    hint = bring_back(each.worktree, handed)
    return Drift("handed-in-gone", "handed-in commits gone", "task.handed-in-gone", says, hint, " brings them back")


def _without_branch(app: App, each: Standing, head: str | None, tips: Tips) -> Drift:
    says = f"branch '{each.branch}' is gone"
    if head in tips.heads and find_renamed(app.repo.git, each.branch, tips.heads) == head:
        says, key = f"{says} (renamed to '{head}' by hand)", f"branch renamed to {head}"
        hint = f"git branch -m {shlex.quote(head or '')} {shlex.quote(each.branch)}"
        return Drift("branch-renamed", key, "task.branch-renamed", says, hint, " undoes that")
    hint = f"git branch {shlex.quote(each.branch)} {each.head_oid}"
    says = f"{says} (deleted by hand)"
    return Drift("branch-gone", "branch gone", "task.branch-deleted", says, hint, " recreates it")


def _elsewhere(app: App, each: Standing, back: str | None) -> Drift | None:
    """Check the link to the worktree's registration, and from there on. back: where that says the worktree is."""
    home, kind, where = git_dir_of(each.worktree), "task.worktree-removed", f"worktree {each.worktree}"
    if home == app.repo.admin_dir(each.admin):
        return _misled(app, each, home, back)
    from git_agent.git.worktrees import repair

    if repair.claimed_elsewhere(app.repo, each.worktree):
        other = os.path.dirname(os.path.dirname(home or ""))
        says = f"{where} belongs to the repository {other}: this one is a copy"
        return Drift("repository-copied", "worktree of another repository", kind, says, "")
    if os.path.basename(before := named_git_dir(each.worktree)) == each.admin and not os.path.lexists(before):
        says = f"{where} does not find this repository, which was moved"
        return Drift("repository-moved", "repository moved", kind, says, "git worktree repair")
    return _unlinked(app, each.worktree, home)


def _misled(app: App, each: Standing, home: str, back: str | None) -> Drift | None:
    """Check that the registration leads to this repository and to the worktree: a worker may write there, too."""
    where, kind = f"worktree {each.worktree}", "task.worktree-removed"
    if why := misled_registration(app.repo.common_dir, home, each.worktree, back):
        hint, more = "git agent doctor --fix", " connects it again"
        return Drift("worktree-misled", "worktree misled", kind, f"{where} is led elsewhere: {why}", hint, more)
    if keys := own_programs(app.repo.common_dir, home):
        path = os.path.join(home, "config.worktree")
        says = f"{where} has settings of its own that may name programs ({', '.join(keys[:5])}): git is not run there"
        hint = f"mv {shlex.quote(path)} {shlex.quote(path + '.aside')}"
        return Drift("worktree-configured", "worktree configured", kind, says, hint)
    return None


def _unlinked(app: App, path: str, home: str | None) -> Drift:
    """Describe a worktree whose .git file does not lead to its registration.

    Without a path, `git worktree repair` (2.39) writes the .git file again from the registration, unless something else
    is in its place. With a path, it fails or writes into whatever repository the file names.
    """
    dot, kind = os.path.join(path, ".git"), "task.worktree-removed"
    hint = f"git -C {shlex.quote(app.repo.main_worktree or app.repo.common_dir)} worktree repair"
    if os.path.lexists(dot) and (os.path.islink(dot) or not os.path.isfile(dot)):
        says = f"something else is in the place of the .git file of worktree {path}"
        away = f"mv {shlex.quote(dot)} {shlex.quote(path + '.git-aside')}"
        return Drift("worktree-covered", "worktree's .git covered", kind, says, f"{away}, then {hint}")
    leads = f"leads to {home}, which knows nothing of it" if home else "can't be read"
    says = f"the .git file of worktree {path} {leads if os.path.lexists(dot) else 'is gone'}"
    return Drift("worktree-unlinked", "worktree's .git damaged", kind, says, hint)


def _switched(app: App, each: Standing, head: str | None, tips: Tips) -> Drift | None:
    """Report a worktree that is on another branch; commits made there are not the task's."""
    if head is None or head == each.branch:
        return None
    tip = tips.heads.get(head, head)
    number = app.repo.git(
        "rev-list", "--count", "--end-of-options", tip, f"^refs/heads/{each.branch}", ok=(0, 128)
    ).text
    made = f" with commits that '{each.branch}' lacks ({number})" if number not in ("", "0") else ""
    where = head if head in tips.heads else "a detached HEAD"
    says = f"worktree {each.worktree} is on {where}{made}, not on '{each.branch}'"
    hint = f"git -C {shlex.quote(each.worktree)} switch {shlex.quote(each.branch)}"
    more = f", then git merge {tip[:12]}" if made else ""
    return Drift("worktree-switched", f"worktree on {where}{made}", "task.switched", says, hint, more)


def record_drift(app: App, standing: Sequence[Standing], tips: Tips) -> list[str]:
    """Compare each attempt's branch and worktree with the record; return a line for each new difference.

    standing: the attempts with worktrees
    tips: where the branches are
    """
    sound = _sound(app, [each for each in standing if each.working and each.amiss is None], tips)
    closer = (each for each in standing if not each.working or each.admin not in sound)
    return [line for each in closer for line in (_of_current if each.working else _of_former)(app, each, tips)]


def _sound(app: App, current: Sequence[Standing], tips: Tips) -> set[str]:
    """Return the registrations of those attempts in which nothing is amiss at the first look, which is usual."""
    if app.damaged:
        return set()
    here = [each for each in current if each.branch in tips.heads and _lost(app, each, tips) is None]
    return connected(app.repo.common_dir, [(each.admin, each.worktree, each.branch) for each in here])


def _of_current(app: App, each: Standing, tips: Tips) -> list[str]:
    each, lines = _followed(app, each)
    found = find_drift(app, each, tips)
    if (found.key if found else None) == each.amiss:
        return lines
    with app.store.transaction():
        task = app.store.tasks.get(each.task)
        changed = task.attempt != each.number or task.amiss != each.amiss or task.epoch != each.task_epoch
        if changed or not task.live or app.store.intents.of_task(task.id) is not None:
            return lines  # another command was faster, or is working on it
        app.store.tasks.put(task.id, amiss=found.key if found else None)
        kind, text = (found.kind, found.line) if found else ("task.mended", f"no longer: {each.amiss}")
        app.store.events.append(kind, GIT, task=task.id, epoch=task.epoch, data={"text": _readable(text)})
    return [*lines, f"task {each.task}: {found.line}"] if found else lines


def _followed(app: App, each: Standing) -> tuple[Standing, list[str]]:
    """Update the record after `git worktree move`, which loses nothing; the worker's context file is updated too."""
    there = registry.registration(app.repo, each.admin)
    path = there.path if there else None
    if path in (None, each.worktree) or not os.path.isdir(path) or os.path.realpath(each.worktree) == path:
        return each, []
    if git_dir_of(path) != app.repo.admin_dir(each.admin):
        return each, []  # somebody changed the registration: that directory is not the worktree
    with app.store.transaction():
        if not app.store.attempts.relocate(each.task, each.number, path):
            return each._replace(worktree=path), []  # another check has seen it and reports it
        app.store.tasks.put(each.task, worktree=path)
        data = {"text": _readable(f"from {each.worktree} to {path}")}
        app.store.events.append("task.worktree-moved", GIT, task=each.task, epoch=each.task_epoch, data=data)
    from dataclasses import replace

    from git_agent import context

    with contextlib.suppress(AgentError):
        context.write(replace(context.read(path), worktree=path))
    return each._replace(worktree=path), [f"task {each.task}: its worktree was moved to {path}"]


def _of_former(app: App, each: Standing, tips: Tips) -> list[str]:
    """Report a worker that continues after its task was finished or given to somebody else."""
    tip = tips.heads.get(each.branch)
    before = each.seen or (each.head_oid if each.number == each.attempt else None)
    if tip is None or tip == before:
        return []
    with app.store.transaction():
        if not app.store.attempts.see(each.task, each.number, tip) or before is None:
            return []  # another check has seen it and reports it
        kind = "task.superseded-commit" if each.superseded else "task.late-commit"
        text = f"{before[:12]}..{tip[:12]} on '{each.branch}'"
        data = {"branch": each.branch, "old": before, "tip": tip, "text": text}
        app.store.events.append(kind, GIT, task=each.task, epoch=each.task_epoch, data=data)
    if each.superseded:
        span = f"git log {before[:12]}..{tip[:12]}"
        return [f"task {each.task}: new commits on '{each.branch}', whose worker was superseded; {span}"]
    return [f"task {each.task} is {each.state}, but '{each.branch}' has new commits; git agent reopen {each.task}"]


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def find_moved_worktree(app: App, each: Standing) -> str | None:
    """Return where the worktree is now, if the directory that holds the repository and its worktrees was moved.

    The worktree found is where it would be made now, and it names this registration. Neither it nor the repository is
    at the recorded place. HEAD is on the attempt's branch, unless git is in the middle of an operation.
    """
    if os.path.lexists(each.worktree):
        return None
    from git_agent.actions.worktrees import worktree_root

    path = os.path.join(worktree_root(app), os.path.basename(each.worktree))
    there, before = registry.registration(app.repo, each.admin), named_git_dir(path)
    if os.path.basename(before) != each.admin or os.path.lexists(before) or there is None:
        return None
    return path if there.head in (None, each.branch) and not os.path.lexists(there.path or "") else None
