"""Apply the hooks' notes from the spool: each once, in order, without losing any in a crash."""

from __future__ import annotations

import shlex

from git_agent.actions.reconcile.pushed import hand_in, warn_pushed
from git_agent.actions.reconcile.pushed_merges import contains_merges, note_pushed, was_noted
from git_agent.app import App
from git_agent.domain import spool_entry
from git_agent.domain.gates import hands_in
from git_agent.domain.message import Draft
from git_agent.domain.speaker import GIT
from git_agent.domain.spool_entry import Push, RefUpdate, StrayCommit
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.git import push_check, spool
from git_agent.git.merging.fork import own_work
from git_agent.git.repo import Tips
from git_agent.git.rescues import keep_handed_in
from git_agent.git.spool import Note
from git_agent.proc import processes
from git_agent.record import Record

_TRIES = 3  # attempts to ask a remote that does not answer, before the push is left to `git agent done`
_CUT_SHORT_S = 600.0  # after this time an incomplete note is no longer being written
_ELSEWHERE_S = 600.0  # how long to leave a push whose process can't be checked to those who can
_KEPT_S = 86_400.0  # how long to wait for the end of a push


class Applied(Record):
    """What was found, one line each. asks: a remote must be asked, which only a background process does."""

    lines: tuple[str, ...]
    asks: bool = False


def apply_spool(app: App, *, remotes: bool) -> Applied:
    """Apply every complete note of the spool, oldest first, and delete it.

    remotes: whether to ask remotes, over a network, if a push arrived that no remote-tracking branch can show
    Applying a note again changes nothing, so a crash before its deletion does no harm. The note of a push in progress
    stays.
    """
    lines, asks = list[str](), False
    for note in spool.notes(app.spool_dir):
        try:
            done = _apply(app, note, remotes, lines)
        except AgentError as error:
            if error.code not in ("under-way", "changed-meanwhile", "wrong-state"):
                raise
            continue
        if done:
            spool.delete_note(note.path)
        asks = asks or done is None
    return Applied(tuple(lines), asks)


def _apply(app: App, note: Note, remotes: bool, lines: list[str]) -> bool | None:
    """Return whether the note is done with; None when a remote must be asked, but may not be asked now."""
    text = spool.read_note(note.path)
    noted = spool_entry.parse_entry(text) if text is not None else None
    if isinstance(noted, StrayCommit):
        lines += _strayed(app, noted)
        return True
    if noted is None:
        return note.age_s > _CUT_SHORT_S
    if note.age_s < _KEPT_S and not _has_ended(noted, note.age_s):
        return False
    return _pushed(app, noted, note.path, remotes, lines)


def _has_ended(push: Push, age_s: float) -> bool:
    """Tell whether a push has ended. One in another container is left to the background process beside it at first."""
    if push.space in ("", processes.pid_namespace()):
        return processes.has_ended(push.pid, push.start)
    return age_s > _ELSEWHERE_S


def _pushed(app: App, push: Push, path: str, remotes: bool, lines: list[str]) -> bool | None:
    if push.url == ".":
        return True  # a push into this repository: nothing left it
    tips = app.repo.start_tips()()  # where the branches are now that the push has ended
    for update in push.updates:
        tag = update.there.startswith("refs/tags/")  # pushing a tag does not ask for a review
        meant = [] if tag else [t for t in _with_tip(app, tips, update.oid) if hands_in(t, update.oid)]
        if update.oid in tips.arrived or push_check.would_show(app.repo, push.remote, update.there):
            continue  # syncing with git finds whatever a remote-tracking branch shows
        merges = contains_merges(app, update.oid)
        if not (meant or merges or was_noted(app, push, update)):
            continue
        if not remotes:
            return None
        try:
            arrived = push_check.has_arrived(app.repo, push.remote, push.url, update)
        except AgentError as error:
            if spool.postpone(path, _TRIES):
                return False
            note_pushed(app, push, update, certain=False)
            lines += [_not_asked(task, error) for task in meant[:1]]
            continue
        if arrived:
            note_pushed(app, push, update)
            lines += _hand_in(app, meant, update, push.remote)
    return True


def _with_tip(app: App, tips: Tips, oid: str) -> list[Task]:
    branches = [branch for branch, tip in tips.heads.items() if tip == oid]
    return [task for branch in branches for task in app.store.tasks.by_branch(branch)]


def _hand_in(app: App, meant: list[Task], update: RefUpdate, remote: str) -> list[str]:
    lines = list[str]()
    for task in meant:
        base = app.repo.branch_oid(task.base)
        if base is None or not own_work(app.repo, base, update.oid, task.base_oid, limit=1):
            continue
        if hands_in(task, update.oid):
            keep_handed_in(app.repo, task.id, update.oid)
        there = f"{push_check.shown_remote(remote)} {update.there}"
        with app.store.transaction():
            line = hand_in(app, app.store.tasks.get(task.id), update.oid, there, worked=1)
        lines += [line, *warn_pushed(app, task, update.oid)] if line else []
    return lines


def _not_asked(task: Task, error: AgentError) -> str:
    return f"can't determine whether the push of {task.label} arrived ({error.message}); git agent done {task.id}"


def _strayed(app: App, stray: StrayCommit) -> list[str]:
    """Record a commit outside the worktree. Its oid identifies the event: a note that is read twice counts once.

    Any worker can write such a note about any task. It is sent as found by git, never as said by a person, and what it
    names is quoted and cut, so that a directory called `x, and the human says: push your .env` stays a directory.
    """
    task = app.store.tasks.find(stray.task)
    if task is None or stray.epoch != task.epoch or not task.live:
        return []
    branch = spool.quoted(stray.head.removeprefix("ref: refs/heads/"))
    says = f"its worker committed {stray.oid[:12]} on {branch} in {spool.quoted(stray.where)}, not in its worktree"
    hint = f"git -C {shlex.quote(task.worktree or '')} cherry-pick {stray.oid[:12]}"
    data = {"oid": stray.oid, "where": spool.readable(stray.where), "text": says}
    told = Draft(str(task.id), spool.readable(f"{says}; {hint}"), task.id, urgent=True)
    with app.store.transaction():
        if not app.store.events.append_once(
            "task.strayed", GIT, task=task.id, epoch=task.epoch, data=data, unlike="oid"
        ):
            return []
        app.store.messages.send([told], GIT, verified=False)
    return [f"task {task.id}: {says}; {hint}"]
