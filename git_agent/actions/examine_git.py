"""What is wrong with branches and worktrees: of live tasks, of nobody, half made; and what locks git."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from git_agent.actions.amiss import amiss
from git_agent.actions.home import home
from git_agent.actions.moved_along import moved_along
from git_agent.app import App
from git_agent.domain.finding import Finding
from git_agent.domain.task import Task
from git_agent.git import listing, lockfiles, places, refs, registered, scratch
from git_agent.git.registered import Registered
from git_agent.git.repo import Tips
from git_agent.proc import holders, processes
from git_agent.store import attempts, health, intents, tasks
from git_agent.store.attempts import Standing

_OLD_S = 600.0  # git holds a lock for milliseconds, but `git commit` for as long as its editor is open
_LEFT_S = 3600.0
_MADE_S = 60.0  # while a worktree is made its registration changes all the time


def examine_git(app: App) -> list[Finding]:
    """Examine what the record says against what git has; nothing is changed. Git is asked before the record is read."""
    tips, there = app.repo.start_tips()(), registered.registered(app.repo)
    pending = {intent.task: intent for intent in intents.pending()}
    standing = [each for each in attempts.standing() if each.task not in pending]
    found = [
        *_under_way(app),
        *_stopped(app, {intent.owner.pid for intent in pending.values()}),
        *_bases(tasks.unfinished(), tips),
    ]
    for each in standing:
        if each.working:
            found += _of_attempt(app, each, tips)
    made = [intent.data["place"] for intent in pending.values() if intent.data.get("place")]
    busy, reserved = ({place[name] for place in made} for name in ("worktree", "branch"))
    found += _of_nobody(app, [each for each in there if each.path not in busy])
    return [*found, *_twice(there), *_orphans(app, tips, there, reserved), *_left(app), *_locks(app, there)]


def _under_way(app: App) -> Iterator[Finding]:
    for intent in intents.pending():
        what, owner = f"{intent.kind} of task {intent.task}", intent.owner
        subject = f"{intent.kind} {intent.id}"
        if processes.is_gone(owner):
            says = f"an interrupted {what}: process {owner.pid} died"
            yield Finding("interrupted", says, intent.task, subject)
        elif processes.is_stopped(owner):
            says = f"{what} is under way by process {owner.pid}, which is stopped"
            yield Finding("stopped-half-way", says, intent.task, subject, f"kill -CONT {owner.pid}")


def _stopped(app: App, known: set[int]) -> Iterator[Finding]:
    """Who holds a named lock or a scratch directory may not have written an intent yet. known: pids named already."""
    for name, _, owner, _ in health.named_locks():
        if owner.pid not in known and processes.is_stopped(owner):
            known.add(owner.pid)
            says = f"process {owner.pid}, which has the lock '{name}', is stopped"
            yield Finding("stopped-half-way", says, None, f"lock {name}", f"kill -CONT {owner.pid}")
    held = [f"{path}.alive" for path, lives in scratch.marked(os.path.join(app.store_dir, "scratch")) if lives]
    for path, by in holders.holders(set(held)).items() if held else ():
        for each in by:
            if each.stopped and each.pid not in known:
                known.add(each.pid)
                says = f"process {each.pid} ({each.name}), which works in {path.removesuffix('.alive')}, is stopped"
                yield Finding("stopped-half-way", says, None, path, f"kill -CONT {each.pid}")


def _bases(unfinished: Sequence[Task], tips: Tips) -> Iterator[Finding]:
    for task in unfinished:
        if task.base not in tips.heads:
            yield Finding("base-gone", f"task {task.id} goes into '{task.base}', which is gone", task.id, task.base)


def _of_attempt(app: App, each: Standing, tips: Tips) -> Iterator[Finding]:
    found = amiss(app, each, tips)
    if found is None:
        return (yield from _unlocked(app, each))
    subject = each.branch if found.code.startswith("branch") else each.worktree
    says = f"task {each.task}: {found.says}"
    if found.code == "branch-gone":
        oid = _last_commit(app, each)
        code = "branch-gone" if oid else "branch-lost"
        yield Finding(
            code, f"{says}; it was at {(oid or each.head_oid or '')[:12]}", each.task, subject, data={"oid": oid}
        )
    elif found.code == "worktree-moved":
        data = {"path": moved_along(app, each), "admin": each.admin}
        yield Finding("worktree-moved", says, each.task, subject, data=data)
    elif found.code == "repository-copied":
        admin = os.path.join(app.repo.common_dir, "worktrees", each.admin)
        data = {"path": each.worktree}
        yield Finding(found.code, says, each.task, subject, f"rm -r {shlex.quote(admin)}", data)
    else:
        helps = found.helps + (found.more if found.more.startswith(",") else "")
        if found.code == "worktree-gone":
            helps += ", or git worktree repair PATH where it was moved to"
        yield Finding(found.code, says, each.task, subject, helps, {"path": each.worktree})


def _last_commit(app: App, each: Standing) -> str | None:
    """The worktree's own log of HEAD is newer than our last look, if HEAD still is on the branch."""
    spot = places.spot(app.repo.common_dir, each.admin)
    known = [each.head_oid, *_rescued(app, each.task)]
    if spot is not None and spot.head == each.branch:
        known.insert(0, places.last_head(app.repo.common_dir, each.admin))
    return next((oid for oid in known if oid and app.repo.resolve(oid)), None)


def _rescued(app: App, task: int) -> list[str]:
    kept = app.repo.refs(f"refs/git-agent/rescue/{task}/")
    return [kept[ref] for ref in sorted(kept, key=lambda ref: int(ref.rpartition("/")[2]), reverse=True)]


def _unlocked(app: App, each: Standing) -> Iterator[Finding]:
    locked = listing.reason(os.path.join(app.repo.common_dir, "worktrees", each.admin))
    if locked in (None, listing.INITIALIZING):
        says = f"task {each.task}: worktree {each.worktree} is " + (f"locked as '{locked}'" if locked else "not locked")
        yield Finding("worktree-unlocked", says, each.task, each.worktree, data={"locked": locked})


def _of_nobody(app: App, there: Sequence[Registered]) -> Iterator[Finding]:
    owned, recorded = attempts.admins(), {task.worktree for task in tasks.unfinished()}
    for each in there:
        if (
            (each.half and each.age_s < _MADE_S)
            or each.admin in owned
            or each.path in recorded
            or each.path is None
            or each.path.startswith(app.repo.common_dir + os.sep)
        ):
            continue
        quoted = shlex.quote(each.path)
        data = {"path": each.path, "admin": each.admin, "task": each.task}
        made_here = each.task is not None or os.path.dirname(each.path) == home(app)
        if each.half and (each.task is not None or (each.initializing and made_here and each.age_s > _OLD_S)):
            yield Finding("worktree-half", f"worktree {each.path} was left half made", None, each.path, data=data)
        elif each.task is not None and os.path.isdir(each.path):
            says, helps = (
                f"worktree {each.path} is of no task",
                f"git worktree unlock {quoted}, then git worktree remove",
            )
            yield Finding("worktree-orphan", says, None, each.path, f"{helps} {quoted}")


def _twice(there: Sequence[Registered]) -> Iterator[Finding]:
    heads = Counter(each.head for each in there if each.head and each.path and os.path.isdir(each.path))
    for branch, number in heads.items():
        if number > 1 and not all(c in "0123456789abcdef" for c in branch):
            paths = [each.path or "" for each in there if each.head == branch]
            says = f"'{branch}' is checked out in {' and '.join(paths)}"
            yield Finding("branch-twice", says, None, branch, f"git -C {shlex.quote(paths[-1])} switch --detach")


def _orphans(app: App, tips: Tips, there: Sequence[Registered], reserved: set[str]) -> Iterator[Finding]:
    """Branches of ours that nobody has; not a colleague's that was fetched, or came with a clone."""
    prefix = app.config.prefix
    named = [
        name for name in tips.heads if name.startswith(prefix) and name[len(prefix) :].partition("-")[0].isdecimal()
    ]
    known = attempts.branches(named) if named else set()
    remote = {ref.split("/", 3)[-1] for ref in tips.remotes}
    for name in named:
        if name not in known | remote | reserved and refs.made_here(app.repo, name):
            yield _orphan(app, name, next((each.path for each in there if each.head == name), None))
    where = home(app)
    for name in sorted(os.listdir(where)) if os.path.isdir(where) else ():
        path = os.path.join(where, name)
        if registered.leads_nowhere(app.repo, path):
            quoted = shlex.quote(path)
            says, helps = f"{path} was a worktree, and git does not know it any more", f"mv {quoted} {quoted}.old"
            yield Finding("directory-orphan", says, None, path, helps)


def _orphan(app: App, name: str, path: str | None) -> Finding:
    """Git deletes no branch that is checked out, and a task can't have one; what is nowhere else is not given up."""
    others = (f"--exclude={name}", "--branches", "--tags", "--remotes", "--glob=refs/git-agent/*")
    own = app.repo.git("rev-list", "--count", f"refs/heads/{name}", "--not", *others, ok=(0, 128)).text
    says, quoted = f"branch '{name}' belongs to no task", shlex.quote(name)
    helps = f"git branch -D {quoted}"
    if own != "0":
        says += (
            f", and {own or 'some'} of its commits are nowhere else"
            if own != "1"
            else ", and a commit of it is nowhere else"
        )
        helps = f"git agent spawn TITLE --branch {quoted}, to go on with it"
    if path is not None:
        helps = f"git -C {shlex.quote(path)} switch --detach, then {helps}"
    return Finding("branch-orphan", says, None, name, helps)


def _left(app: App) -> Iterator[Finding]:
    """A scratch directory is somebody's while its mark is held. Other names begin with the pid; a container's says
    nothing here, hence the age.
    """
    marked = dict(scratch.marked(os.path.join(app.store_dir, "scratch")))
    for path, lives in marked.items():
        if not lives:
            pid = os.path.basename(path).partition("-")[0]
            yield Finding("scratch-left", f"{path} is left of process {pid}", None, path)
    for place in ("scratch", "trash"):
        for name, age_s in places.left_in(app.store_dir, place):
            pid, path = name.lstrip(".").partition("-")[0], os.path.join(app.store_dir, place, name)
            old = age_s > _LEFT_S and path.removesuffix(".alive") not in marked
            if old and pid.isdecimal() and not processes.is_running(int(pid)):
                yield Finding("scratch-left", f"{path} is left of process {pid}", None, path)


def _locks(app: App, there: Sequence[Registered]) -> Iterator[Finding]:
    old = lockfiles.lock_files(app.repo, _OLD_S)
    if not old:
        return
    held = holders.holders({each.path for each in old})
    where = [app.repo.common_dir, app.repo.main_worktree, *(each.path for each in there)]
    gits = holders.gits([path for path in where if path])
    for each in old:
        age = f"{each.path} is {int(each.age_s / 60)} min old"
        by = held.get(each.path) or gits
        stopped = next((one for one in by if one.stopped), None)
        if stopped is not None:
            says = f"{age}; process {stopped.pid} ({stopped.name}), which is stopped, " + (
                "has it open" if each.path in held else "runs here"
            )
            yield Finding("lock-stopped", says, None, each.path, f"kill -CONT {stopped.pid}, or kill {stopped.pid}")
        elif not by:
            known = "nobody has it open" if holders.known() else "no git should run here any more"
            yield Finding("lock-stale", f"{age}, and {known}", None, each.path)
