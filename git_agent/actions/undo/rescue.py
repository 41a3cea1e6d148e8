"""List, show, restore and prune what was kept of branches, worktrees and files."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator

from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.rescue import Rescue, parse_rescue
from git_agent.domain.task import Task
from git_agent.errors import AgentError, refused
from git_agent.git import refs, rescues
from git_agent.git.errors import explain_system_errors
from git_agent.git.refs import RESCUE
from git_agent.git.sweeper import delete_tree
from git_agent.record import Record


def rescue_refs(app: App, task: Task | None = None) -> list[Rescue]:
    """List the rescue refs of one task or of all, by task and number."""
    kept = rescues.list_rescues(app.repo, task.id if task else None)
    ids = {rescues.parse_rescue_ref(each.ref)[0] for each in kept}
    heads = app.sighted_heads
    bases = {t: heads.get(found.base) for t in ids if (found := app.store.tasks.find(t)) is not None}
    pairs = [(each.oid, base) for each in kept if (base := bases.get(rescues.parse_rescue_ref(each.ref)[0]))]
    ahead = app.repo.ahead_behind_many(pairs) if pairs else {}
    files = rescues.count_changed(app.repo, [each.oid for each in kept if each.kind == refs.FILES])
    told = _told(app, {rescues.parse_rescue_ref(each.ref)[0] for each in kept if each.at is None})
    listed = []
    for each in kept:
        owner, number = rescues.parse_rescue_ref(each.ref)
        commits = ahead.get((each.oid, bases.get(owner) or ""), (1, 0))[0]
        size = files[each.oid] if each.kind == refs.FILES else commits
        at = each.at if each.at is not None else told.get(each.ref)
        listed.append(Rescue(owner, number, each.oid, each.kind, at, each.subject, size, commits == 0))
    return listed


def _told(app: App, owners: set[int]) -> dict[str, int]:
    """Map refs whose age git no longer knows to the time of the newest removal that names them."""
    said = (event for owner in owners for event in reversed(app.store.events.of_kind(owner, "task.removed")))
    return {ref: event.at for event in said for ref in event.data.get("rescued", ())}


def find_rescue(app: App, name: str) -> Rescue:
    """Find a rescue ref by its name.

    name: `3/1` or the full ref
    Raises AgentError: exit 1 for an unknown name, exit 2 for a malformed one.
    """
    task, number = parse_rescue(name, RESCUE)
    owner = app.store.tasks.find(task)
    found = [each for each in rescue_refs(app, owner) if (each.task, each.number) == (task, number)]
    if not found:
        raise AgentError("unknown-rescue", f"there is no rescue {task}/{number}", "git agent rescue list")
    return found[0]


_PLAIN = ("--no-ext-diff", "--no-textconv", "--no-color")


def show_rescue(app: App, kept: Rescue) -> tuple[list[str], dict[str, str]]:
    """Return a command line and its environment that show commits in git's pager: those the base lacks, or one."""
    return ["git", f"--git-dir={app.repo.common_dir}", *_log(app, kept)], {**app.env, **app.repo.real_objects}


def rescue_text(app: App, kept: Rescue) -> str:
    """Return the same as text for programs; no program that the user configured is run."""
    return app.repo.git(*_log(app, kept, *_PLAIN), cwd=app.repo.worktree).text


def _log(app: App, kept: Rescue, *options: str) -> list[str]:
    task = app.store.tasks.find(kept.task)
    base = app.repo.branch_oid(task.base) if task else None
    one = kept.kind == refs.FILES or base is None or kept.inside
    return [
        "log",
        *options,
        "--patch",
        "--diff-merges=first-parent",
        *(["-1"] if one else [f"^{base}"]),
        kept.oid,
        "--",
    ]


class RestoredRescue(Record):
    """A branch at a rescued commit. made: whether the branch is new."""

    rescue: Rescue
    branch: str
    made: bool = True

    @property
    def uncommitted(self) -> bool:
        """Tell whether its last commit holds files that were never committed."""
        return self.rescue.kind == refs.FILES


def restore_rescue(app: App, name: str, branch: str | None = None) -> RestoredRescue:
    """Make a branch at a rescue ref.

    name: `3/1` or the full ref
    branch: the branch's name; None means `rescue/<task>-<n>`
    Raises AgentError: exit 1 for an unknown name, exit 3 when the branch already exists at another commit.
    """
    kept = find_rescue(app, name)
    wanted = names.check_branch(branch or f"rescue/{kept.task}-{kept.number}")
    try:
        refs.create_branch(app.repo, wanted, kept.oid)
    except refs.RefMoved as error:
        if app.repo.branch_oid(wanted) == kept.oid:
            return RestoredRescue(kept, wanted, made=False)
        hint = f"git agent rescue restore {kept.name} --branch NAME"
        raise refused("branch-exists", f"the branch '{wanted}' exists already", hint) from error
    actor = app.speaker.actor
    with app.store.transaction():
        data = {"ref": f"{refs.RESCUE}{kept.name}", "branch": wanted, "text": f"{kept.name} to {wanted}"}
        app.store.events.append("rescue.restored", actor, task=kept.task, data=data)
    return RestoredRescue(kept, wanted)


class PrunedRescues(Record):
    """What a prune deletes and leaves.

    older: refs, and directories with ignored files, that are old enough
    unknown: refs of unknown age
    lost: those of the older refs that are the last to hold their commits, which git will discard in time
    """

    rescues: tuple[Rescue, ...]
    directories: tuple[str, ...]
    unknown: tuple[Rescue, ...]
    lost: tuple[Rescue, ...]


def prune_rescues(
    app: App,
    older_than_s: float,
    *,
    dry_run: bool = False,
    asks: Callable[[PrunedRescues], None] = lambda found: None,
) -> PrunedRescues:
    """Delete rescue refs and backup directories of a minimum age; those of unknown age stay.

    older_than_s: the age, in seconds
    dry_run: only report
    asks: called with what would be deleted; nothing else is deleted, and an exception from it prevents the deletion
    """
    before = app.store.now() - int(older_than_s * 1000)
    kept = rescue_refs(app)
    old = tuple(r for r in kept if r.at is not None and r.at <= before)
    with explain_system_errors():
        directories = tuple(d for d in _directories(app) if _since_ms(d) <= before)
    only = rescues.only_there(app.repo, {f"{refs.RESCUE}{r.name}": r.oid for r in old}) if old else set()
    lost = tuple(r for r in old if r.oid in only)
    found = PrunedRescues(old, directories, tuple(r for r in kept if r.at is None), lost)
    if not dry_run and (old or directories):
        asks(found)
        _delete(app, found)
    return found


def _since_ms(path: str) -> int:
    """Return since when a path is kept: most names begin with a time, in ms or ns; a moved file has its own mtime."""
    digits = re.match(r"\d{13,}", os.path.basename(path))
    return int(digits[0][:13]) if digits else int(os.lstat(path).st_mtime * 1000)


def _directories(app: App) -> Iterator[str]:
    root = os.path.join(app.store_dir, "kept")
    for task in sorted(os.listdir(root)) if os.path.isdir(root) else ():
        with contextlib.suppress(NotADirectoryError):
            yield from (os.path.join(root, task, name) for name in sorted(os.listdir(os.path.join(root, task))))


def _delete(app: App, found: PrunedRescues) -> None:
    """Delete what was found. The record comes first, so that the log still has the oid of anything missed later."""
    data = {
        "refs": {f"{refs.RESCUE}{r.name}": r.oid for r in found.rescues},
        "directories": list(found.directories),
        "text": f"{len(found.rescues)} refs, {len(found.directories)} directories",
    }
    actor = app.speaker.actor
    with app.store.transaction():
        app.store.events.append("rescue.pruned", actor, data=data)
    for each in found.rescues:
        with contextlib.suppress(refs.RefMoved):  # another process has deleted it
            refs.delete_ref(app.repo, f"{refs.RESCUE}{each.name}", each.oid)
    with explain_system_errors():
        for directory in found.directories:
            with contextlib.suppress(FileNotFoundError):
                if os.path.isdir(directory) and not os.path.islink(directory):
                    delete_tree(directory)
                else:
                    os.unlink(directory)  # a single file that doctor moved aside


class KeptDirectory(Record):
    """A directory kept/<task>/<number>. at: when it was made, ms since the epoch; size: the number of files in it."""

    task: int
    number: int
    path: str
    at: int
    size: int


def kept_directories(app: App, task: Task | None = None) -> list[KeptDirectory]:
    """List the backup directories of one task or of all, by task and number."""
    root = os.path.join(app.store_dir, "kept")
    found = []
    for owner in [task.id] if task is not None else _numbers(root):
        home = os.path.join(root, str(owner))
        for number in _numbers(home):
            path = os.path.join(home, str(number))
            size = sum(1 for _ in kept_files(path))
            found.append(KeptDirectory(owner, number, path, int(os.stat(path).st_mtime * 1000), size))
    return found


def _numbers(directory: str) -> list[int]:
    names = os.listdir(directory) if os.path.isdir(directory) else ()
    return sorted(int(name) for name in names if name.isdecimal() and os.path.isdir(os.path.join(directory, name)))


def kept_files(directory: str) -> Iterator[str]:
    """Yield the paths of files and symbolic links below a directory; no link is followed, not even to a directory."""
    for at, directories, files in os.walk(directory):
        links = (name for name in directories if os.path.islink(os.path.join(at, name)))
        yield from (os.path.join(at, name) for name in (*files, *links))
