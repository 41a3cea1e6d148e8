"""Examine the branches and worktrees of live tasks."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from git_agent.actions.doctor.worktrees import examine_attempt, examine_locks, examine_strays
from git_agent.actions.reconcile.damage import examine_damage
from git_agent.actions.worktrees import worktree_root
from git_agent.app import App
from git_agent.config import Config
from git_agent.domain.finding import Finding
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError
from git_agent.git import history, refs
from git_agent.git.damage import damaged_refs, last_good
from git_agent.git.merging import fork
from git_agent.git.repo import HEADS, Tips
from git_agent.git.shallow import Shallow
from git_agent.git.worktrees import inside, registry, repair, scratch, trash
from git_agent.git.worktrees.registry import Registration
from git_agent.proc import open_files, processes
from git_agent.store import meta

_LEFT_S = 3600.0


def examine_git(app: App) -> list[Finding]:
    """Compare the record with what git has, without changing anything. Git is asked before the record is read."""
    tips, there = app.repo.start_tips()(), registry.registrations(app.repo)
    pending = {intent.task: intent for intent in app.store.intents.pending()}
    standing = [each for each in app.store.attempts.standing() if each.task not in pending]
    found = [
        *_under_way(app),
        *_stopped(app, {intent.owner.pid for intent in pending.values()}),
        *_bases(app.store.tasks.unfinished(), tips),
        *_lost_merges(app, tips),
        *_replaced(app),
        *_borrowed(app, there),
    ]
    examine_damage(app, standing, tips)
    found += _damaged_refs(app, {each.branch for each in standing if each.task in app.damaged})
    for each in standing:
        if each.working:
            found += examine_attempt(app, each, tips)
    reserved = {intent.data["place"]["branch"] for intent in pending.values() if intent.data.get("place")}
    found += [*examine_strays(app, there), *_twice(there), *_orphans(app, tips, there, reserved)]
    return [*found, *_left(app), *examine_locks(app, there)]


def _under_way(app: App) -> Iterator[Finding]:
    for intent in app.store.intents.pending():
        what, owner = f"{intent.kind} of task {intent.task}", intent.owner
        subject = f"{intent.kind} {intent.id}"
        if intent.id in app.unrecovered:
            yield Finding("interrupted", f"an interrupted {what} can't be recovered yet", intent.task, subject)
        elif app.is_gone(owner, over=intent.over):
            how = "died" if app.is_gone(owner) else "has been silent for too long"
            says = f"an interrupted {what}: {processes.named(owner)} {how}"
            yield Finding("interrupted", says, intent.task, subject)
        elif processes.is_stopped(owner):
            says = f"{what} is in progress, but process {owner.pid} is stopped"
            yield Finding("stopped-half-way", says, intent.task, subject, f"kill -CONT {owner.pid}")


def _stopped(app: App, known: set[int]) -> Iterator[Finding]:
    """Find stopped processes that hold a named lock or a scratch directory and may not have written an intent yet.

    known: pids that were reported already
    """
    for name, _, owner, _ in app.store.integrity.named_locks():
        if owner.pid not in known and processes.is_stopped(owner):
            known.add(owner.pid)
            says = f"process {owner.pid}, which holds the lock '{name}', is stopped"
            yield Finding("stopped-half-way", says, None, f"lock {name}", f"kill -CONT {owner.pid}")
    held = [f"{path}.alive" for path, lives in scratch.marked(os.path.join(app.store_dir, "scratch")) if lives]
    for path, by in open_files.find_holders(set(held)).items() if held else ():
        for each in by:
            if each.stopped and each.pid not in known:
                known.add(each.pid)
                says = f"process {each.pid} ({each.name}), which works in {path.removesuffix('.alive')}, is stopped"
                yield Finding("stopped-half-way", says, None, path, f"kill -CONT {each.pid}")


def _bases(unfinished: Sequence[Task], tips: Tips) -> Iterator[Finding]:
    for task in unfinished:
        if task.base not in tips.heads:
            yield Finding("base-gone", f"the base of task {task.id}, '{task.base}', is gone", task.id, task.base)


def _lost_merges(app: App, tips: Tips) -> Iterator[Finding]:
    """Find completed tasks whose merge is neither in the base nor on a remote, and was not reverted by a commit."""
    known, merged = app.store.meta.under(meta.LOST), dict[str, list[Task]]()
    for task in app.store.tasks.listing([State.COMPLETED]):
        if task.merged_oid and task.base in tips.heads and (task.reverted_oid is None or str(task.id) in known):
            merged.setdefault(task.base, []).append(task)
    for base, tasks in merged.items():
        gone = fork.missing(
            app.repo, [tips.heads[base], *tips.on_remotes(base)], [task.merged_oid or "" for task in tasks]
        )
        for task in tasks:
            if task.merged_oid in gone:
                says = f"'{base}' no longer contains the merge of task {task.id} ({task.merged_oid[:12]})"
                yield Finding("merge-lost", says, task.id, f"task {task.id}")


def _replaced(app: App) -> Iterator[Finding]:
    replaced = app.repo.refs(refs.REPLACED)
    if replaced:
        number = "an object" if len(replaced) == 1 else f"{len(replaced)} objects"
        first = next(iter(replaced)).removeprefix(refs.REPLACED)
        hint = f"git replace -l --format=long lists them; git replace -d {first}, if it is not yours"
        yield Finding("objects-replaced", f"replace refs stand in for {number}", None, refs.REPLACED, hint)
    grafts = os.path.join(app.repo.common_dir, *history.GRAFTS)
    if os.path.isfile(grafts):
        quoted = shlex.quote(grafts)
        says = f"{grafts} gives commits other parents"
        yield Finding("objects-replaced", says, None, grafts, f"mv {quoted} {quoted}.old")
    yield from _hidden(app.repo.shallow)


def _hidden(shallow: Shallow) -> Iterator[Finding]:
    lines = shallow.hiding()
    if not lines:
        return
    one, path = len(lines) == 1, shlex.quote(shallow.path)
    says = f"{'a line' if one else f'{len(lines)} lines'} of {shallow.path} {'hides' if one else 'hide'} history"
    says += f" that is here, as of {lines[0][:12]!a}: git shows none of it, and git gc would delete it"
    needed = shallow.environment()["GIT_SHALLOW_FILE"]
    hint = f"cp {shlex.quote(needed)} {path}" if needed else f"mv {path} {path}.old"
    yield Finding("objects-replaced", says, None, shallow.path, hint)


def _borrowed(app: App, there: Sequence[Registration]) -> Iterator[Finding]:
    for each in there:
        for path in inside.lent_objects(app.repo, each.path) if each.path else ():
            says = f"the repository borrows objects from {path}, which is inside the worktree {each.path}"
            away = shlex.quote(inside.alternates(app.repo))
            yield Finding("objects-borrowed", says, None, path, f"git repack -a -d && mv {away} {away}.old")


def _damaged_refs(app: App, told: set[str]) -> Iterator[Finding]:
    """Find refs to commits that are gone. told: the branches that other findings are about"""
    for ref, oid in damaged_refs(app.repo).items():
        if ref.removeprefix(HEADS) not in told:
            says = f"{ref} is at {oid}, which git can't read"
            good = last_good(app.repo, ref.removeprefix(HEADS), None, ()) if ref.startswith(HEADS) else None
            away = f"git update-ref {shlex.quote(ref)} {good}" if good else f"git update-ref -d {shlex.quote(ref)}"
            yield Finding("ref-damaged", says, None, ref, f"git fsck; {away}")


def _twice(there: Sequence[Registration]) -> Iterator[Finding]:
    heads = Counter(each.head for each in there if each.head and each.path and os.path.isdir(each.path))
    for branch, number in heads.items():
        if number > 1 and not all(c in "0123456789abcdef" for c in branch):
            paths = [each.path or "" for each in there if each.head == branch]
            says = f"'{branch}' is checked out in {' and '.join(paths)}"
            yield Finding("branch-twice", says, None, branch, f"git -C {shlex.quote(paths[-1])} switch --detach")


def _prefix(app: App) -> str:
    try:
        return app.config.prefix
    except AgentError:  # examine_config reports it
        return Config(()).prefix


def _orphans(app: App, tips: Tips, there: Sequence[Registration], reserved: set[str]) -> Iterator[Finding]:
    """Find our branches that belong to no task; not a colleague's that was fetched or came with a clone."""
    prefix = _prefix(app)
    named = [
        name for name in tips.heads if name.startswith(prefix) and name[len(prefix) :].partition("-")[0].isdecimal()
    ]
    known = app.store.attempts.branches(named) if named else set()
    remote = {ref.split("/", 3)[-1] for ref in tips.remotes}
    for name in named:
        if name not in known | remote | reserved and refs.was_made_here(app.repo, name):
            yield _orphan(app, name, next((each.path for each in there if each.head == name), None))
    where = worktree_root(app)
    for name in sorted(os.listdir(where)) if os.path.isdir(where) else ():
        path = os.path.join(where, name)
        if repair.leads_nowhere(app.repo, path):
            quoted = shlex.quote(path)
            says, hint = f"{path} was a worktree, but git no longer knows it", f"mv {quoted} {quoted}.old"
            yield Finding("directory-orphan", says, None, path, hint)


def _orphan(app: App, name: str, path: str | None) -> Finding:
    """Report a branch without a task. Commits that are nowhere else are worth keeping; a checkout must switch first."""
    others = (f"--exclude={name}", "--branches", "--tags", "--remotes", "--glob=refs/git-agent/*")
    own = app.repo.git("rev-list", "--count", f"refs/heads/{name}", "--not", *others, ok=(0, 128)).text
    says, quoted = f"branch '{name}' belongs to no task", shlex.quote(name)
    hint = f"git branch -D {quoted}"
    if own != "0":
        says += (
            f", and {own or 'some'} of its commits are nowhere else"
            if own != "1"
            else ", and one of its commits is nowhere else"
        )
        hint = f"git agent spawn TITLE --branch {quoted}, to continue it"
    if path is not None:
        hint = f"git -C {shlex.quote(path)} switch --detach, then {hint}"
    return Finding("branch-orphan", says, None, name, hint)


def _left(app: App) -> Iterator[Finding]:
    """Find what processes left in the scratch and trash directories.

    A scratch directory is in use while its mark is held. Other names begin with a pid; they must also be old, because
    the pid of a process in a container means nothing here.
    """
    marked = dict(scratch.marked(os.path.join(app.store_dir, "scratch")))
    for path, lives in marked.items():
        if not lives:
            pid = os.path.basename(path).partition("-")[0]
            yield Finding("scratch-left", f"{path} was left by process {pid}", None, path)
    for path, says in trash.undeleted(app.repo, worktree_root(app)).items():
        yield Finding("trash-left", says, None, path)
    for place in ("scratch", "trash"):
        for name, age_s in scratch.left_in(app.store_dir, place):
            pid, path = name.lstrip(".").partition("-")[0], os.path.join(app.store_dir, place, name)
            old = age_s > _LEFT_S and path.removesuffix(".alive") not in marked
            if old and pid.isdecimal() and not processes.is_running(int(pid)):
                yield Finding("scratch-left", f"{path} was left by process {pid}", None, path)
