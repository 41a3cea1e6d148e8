"""Remove the worktree and branch of a task, or of all finished tasks, and what remotes still have of merged tasks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import groupby

from git_agent.actions.recovery.journal import new_operation, rollback_on_error
from git_agent.actions.removal.retire import Retired, retire
from git_agent.actions.transition import require_current
from git_agent.app import App
from git_agent.domain.task import FINISHED, State, Task
from git_agent.errors import AgentError, refused
from git_agent.git import refs, remote_branches
from git_agent.git.merging import fork
from git_agent.git.push_check import shown_remote
from git_agent.git.remote_branches import RemoteBranch
from git_agent.git.run import GitError
from git_agent.proc import logfile
from git_agent.record import Record


def rm(app: App, task: Task, *, force: bool = False, unmerged: bool = False, dry_run: bool = False) -> Retired:
    """Remove a task's worktrees and branches; the task itself stays in the history.

    force: also remove uncommitted and untracked files
    unmerged: also remove commits that are not in the base
    dry_run: only report
    Whatever the flags remove is kept under the rescue refs.
    Raises AgentError (exit 3) for a live task, and otherwise with the list of what would be lost.
    """
    require_current(app, task)
    task = app.store.tasks.get(task.id)
    if task.live:
        raise refused("live", f"cannot remove {task.label}: it is {task.state}", f"git agent cancel {task.id}")
    with rollback_on_error(app):
        return retire(
            app, task, force=force, unmerged=unmerged, dry_run=dry_run, operation=app.operation or new_operation()
        )


class Leftover(Record):
    """A branch of a merged task that a remote still has.

    status: `found`, nothing more is known; `would_delete`; `deleted`; `gone`, the remote does not have it any more;
        `left`, it must stay; `failed`
    why: why it is left, or what failed
    """

    task: int
    branch: RemoteBranch
    status: str = "found"
    why: str | None = None


class Cleaned(Record):
    """What was removed and what stayed, by task. logs: the deleted logs with their sizes in bytes."""

    tasks: tuple[tuple[Task, Retired], ...]
    logs: Mapping[str, int]
    remote: tuple[Leftover, ...] = ()


def clean(
    app: App,
    *,
    older_than_s: float | None = None,
    logs: bool = False,
    remote: bool = False,
    dry_run: bool = False,
    asks: Callable[[Sequence[Leftover]], object] | None = None,
) -> Cleaned:
    """Remove the worktrees and branches of finished tasks; those whose removal would lose work stay and are listed.

    older_than_s: the minimum age, in seconds since the task finished
    logs: also delete what the commands and checks of these tasks printed
    remote: also delete the branches of merged tasks on remotes; what `undo` restores is local only
    dry_run: only report
    asks: called before anything is removed with what would be deleted on remotes; raises to prevent everything
    """
    now = app.store.now()
    least = 0 if older_than_s is None else older_than_s * 1000
    old = [t for t in app.store.tasks.with_remains(FINISHED) if now - t.state_at >= least]
    there = [each for each in find_leftovers(app) if now - app.store.tasks.get(each.task).state_at >= least]
    if remote:
        there = _examine(app, there)
        would = [each for each in there if each.status == "would_delete"]
        if asks is not None and would and not dry_run:
            asks(would)
    operation = new_operation()
    with rollback_on_error(app):
        done = [(t, retire(app, t, strict=False, dry_run=dry_run, operation=operation)) for t in old]
    printed = _logs(app, now - least) if logs else {}
    for path in () if dry_run else printed:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    there = _delete(app, there) if remote and not dry_run else there
    said = ((app.store.tasks.get(t.id), r) for t, r in done if r.worktrees or r.branches or r.kept)
    return Cleaned(tuple(said), printed, tuple(there))


def _logs(app: App, before: float) -> dict[str, int]:
    """Map the logs of tasks that were finished before a time, in ms since the epoch, to their sizes in bytes."""
    finished = {task.id for task in app.store.tasks.listing(FINISHED) if task.state_at <= before}
    return logfile.logs_of(os.path.join(app.store_dir, "logs"), finished)


def finished_logs_size(app: App) -> int:
    """Return how many bytes the logs of finished tasks take."""
    return sum(_logs(app, app.store.now()).values())


def find_leftovers(app: App, tasks: Collection[int] | None = None) -> list[Leftover]:
    """List the branches of merged tasks that remotes still have, as far as remote-tracking branches show them.

    tasks: only of these; None for all
    A branch that existed before its task is not ours to delete, and one on which an unfinished task builds is in use.
    """
    tracked = (app.sighted or app.repo.start_tips()()).remotes
    made = app.store.attempts.made(remote_branches.possible_names(tracked))
    made = {name: task for name, task in made.items() if (tasks is None or task in tasks) and _is_merged(app, task)}
    if not made:
        return []
    used = {name for task in app.store.tasks.unfinished() for name in (task.base, task.branch)}
    found = remote_branches.find_remote_branches(app.repo, tracked, made.keys() - used)
    return [Leftover(made[each.branch], each) for each in found]


def _is_merged(app: App, task: int) -> bool:
    found = app.store.tasks.find(task)
    return found is not None and found.state is State.COMPLETED and found.reverted_oid is None


def _by_remote(found: Sequence[Leftover]) -> Iterator[tuple[str, list[Leftover]]]:
    for remote, each in groupby(found, lambda left: left.branch.remote):
        yield remote, list(each)


def _examine(app: App, found: Sequence[Leftover]) -> list[Leftover]:
    """Ask the remotes, and decide what may be deleted. A remote that can't be asked keeps its branches."""
    done, unpublished = list[Leftover](), _unpublished(app, {each.task for each in found})
    for remote, lefts in _by_remote(found):
        try:
            there = remote_branches.ask_remote(app.repo, remote, [each.branch.branch for each in lefts])
        except AgentError as error:
            done += [each._replace(status="failed", why=shown_remote(error.message)) for each in lefts]
            continue
        done += [_decide(app, each, there.get(each.branch.branch), unpublished) for each in lefts]
    return done


def _decide(app: App, found: Leftover, there: str | None, unpublished: Collection[int]) -> Leftover:
    """Decide whether a branch may be deleted.

    there: where the remote has it; None if it does not
    """
    task = app.store.tasks.get(found.task)
    other = next((oid for oid in (there, found.branch.oid) if oid and not _is_in(app, oid, task.head_oid)), None)
    if other is not None:
        return found._replace(status="left", why=f"{other[:12]} is not part of what was merged")
    if there is None:
        return found._replace(status="gone")
    if found.task in unpublished:
        says = f"no base on a remote has the merge {(task.merged_oid or '')[:12]}: push '{task.base}' first"
        return found._replace(status="left", why=says)
    return Leftover(found.task, found.branch._replace(oid=there), "would_delete")


def _is_in(app: App, oid: str, tip: str | None) -> bool:
    try:
        return tip is not None and (oid == tip or app.repo.is_ancestor(oid, tip))
    except GitError:  # the commit is only on the remote
        return False


def _unpublished(app: App, ids: Collection[int]) -> set[int]:
    """Return the tasks whose merge no base on a remote has: deleting a branch could close a pull request unmerged."""
    tracked, bases = (app.sighted or app.repo.start_tips()()).remotes, app.store.last_seen.all_bases()
    bases -= app.store.attempts.made(bases).keys()
    upstreams = [tracked[up] for base in bases if (head := app.repo.head(base)) and (up := head.upstream) in tracked]
    ends = [each.oid for each in remote_branches.find_remote_branches(app.repo, tracked, bases)]
    merged = {task: app.store.tasks.get(task).merged_oid for task in ids}
    hidden = fork.missing(app.repo, [*ends, *upstreams], {oid for oid in merged.values() if oid})
    return {task for task, oid in merged.items() if oid is None or oid in hidden}


def _delete(app: App, found: Sequence[Leftover]) -> list[Leftover]:
    """Delete what may be deleted, and forget remote-tracking branches of branches that are gone."""
    done = list[Leftover]()
    for remote, lefts in _by_remote(found):
        going = {each.branch.branch: each.branch.oid for each in lefts if each.status == "would_delete"}
        try:
            stays = remote_branches.delete_on_remote(app.repo, remote, going) if going else {}
        except AgentError as error:
            stays = dict.fromkeys(going, shown_remote(error.message))
        for each in lefts:
            if each.status == "gone":
                with contextlib.suppress(refs.RefMoved):
                    refs.delete_ref(app.repo, each.branch.ref, each.branch.oid)
            if each.branch.branch in going:
                why = stays.get(each.branch.branch)
                each = each._replace(status="deleted" if why is None else "failed", why=why)
            done.append(each)
    _record_deleted(app, [each for each in done if each.status == "deleted"])
    return done


def _record_deleted(app: App, deleted: Sequence[Leftover]) -> None:
    actor = app.speaker.actor
    with app.store.transaction():
        for each in deleted:
            data = {"remote": each.branch.remote, "branch": each.branch.branch, "oid": each.branch.oid}
            app.store.events.append("task.remote-branch-deleted", actor, task=each.task, data=data)
