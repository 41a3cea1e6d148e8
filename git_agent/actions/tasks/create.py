"""Create tasks: check and resolve a specification, then add the task to the queue."""

from __future__ import annotations

import shlex
from typing import Any

from git_agent.actions.lookup import resolve
from git_agent.actions.path_claims.overlaps import Claimable, check_claims
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.spec import TaskSpec
from git_agent.domain.task import DEFAULT_PRIORITY, State, Step, Task, after, event_kind
from git_agent.errors import AgentError
from git_agent.record import Record


class DraftTask(Record):
    """A task that is checked but not recorded yet.

    values: the columns of its record.
    parents: the numbers of the tasks that it waits for.
    paths: the pathspecs that it claims.
    base_oid: the tip of its base, a full oid.
    named: the name was given; otherwise it is derived from the title and may get a suffix.
    """

    values: dict[str, Any]
    parents: tuple[int, ...]
    paths: Claimable
    base_oid: str
    named: bool

    def insert(self, app: App, actor: str) -> Task:
        """Record the task and return it. Call this inside a transaction.

        actor: the author of the event.
        Raises AgentError: exit 3 for a name that is taken, exit 6 as Claimable.require does.
        """
        self.paths.require(app)
        name = self.values["name"]
        if not self.named:
            name = names.first_free(name, lambda n: app.store.names.taken(names.name_key(n)))
        task = app.store.tasks.insert({**self.values, "name": name, "name_key": names.name_key(name)}, State.OPEN)
        app.store.tasks.set_parents(task.id, self.parents)
        app.store.tasks.set_paths(task.id, self.paths.paths)
        move = after(None, None, Step.ADD)
        assert move is not None
        app.store.events.append(event_kind(Step.ADD), actor, task=task.id, target=State.OPEN, epoch=0, version=0)
        return app.store.tasks.get(task.id)


def draft_task(app: App, order: TaskSpec) -> DraftTask:
    """Check the specification of a task and resolve its base and dependencies; return the task to record.

    Raises AgentError: exit 2 for an invalid title or name, exit 1 for an unknown base or parent or for a repository
    without commits, exit 3 as check_claims does.
    """
    title = names.check_title(order.title or "")
    base, oid = _base(app, order.base)
    name = names.check_name(order.name) if order.name is not None else names.slug(title)
    values = {
        "name": name,
        "title": title,
        "body": names.check_body(order.body or ""),
        "priority": DEFAULT_PRIORITY if order.priority is None else order.priority,
        "base": base,
        "agent": None if order.agent is None else names.check_line(order.agent, "agent"),
        "check_command": None if order.check is None else names.check_line(order.check, "check"),
    }
    parents = tuple(resolve(app, ref).id for ref in order.after or ())
    paths = check_claims(app, order.paths or (), base, parents)
    return DraftTask(values, parents, paths, oid, order.name is not None)


def _base(app: App, wanted: str | None) -> tuple[str, str]:
    if not app.sighted_heads and not app.repo.has_commits():
        raise AgentError("no-commits", "this repository has no commits yet", "git commit --allow-empty -m 'Begin'")
    base = wanted if wanted is not None else app.config.text("agent.base") or app.repo.current_branch()
    if base is None:
        busy = app.repo.in_progress(app.repo.main_worktree or "")
        here = f"a {busy} is under way" if busy else "no branch is checked out"
        raise AgentError("no-base", f"{here} in the main worktree, so there is no default base", "give --base BRANCH")
    return require_base(app, base, "--base" if wanted is not None else "git config agent.base")


def require_base(app: App, wanted: str, option: str = "--base") -> tuple[str, str]:
    """Check that a base is a local branch; return its name and its tip, a full oid.

    wanted: the name as given.
    option: what sets it, for the hint.
    Raises AgentError: exit 1 for anything else, exit 2 for a name that no branch can have.
    """
    base = names.check_branch(wanted)
    oid = app.sighted_heads.get(base) or app.repo.branch_oid(base)
    if oid is None:
        says, hint = _instead(app, base, option)
        raise AgentError("unknown-base", says, hint)
    return base, oid


def _instead(app: App, name: str, option: str) -> tuple[str, str]:
    from git_agent.git.history import find_renamed
    from git_agent.git.upstream import local_name

    says, quoted = "tasks go into local branches", shlex.quote(name)
    local = local_name(app.repo, name)
    if local is not None:
        make = "" if app.repo.branch_oid(local) else f"git branch {shlex.quote(local)} {quoted}, then "
        return f"'{name}' is a remote-tracking branch", f"{says}: {make}{option} {shlex.quote(local)}"
    if app.repo.resolve(name) is not None:
        return f"'{name}' is a commit, but no branch", f"{says}: git branch NAME {quoted}, then {option} NAME"
    if (renamed := find_renamed(app.repo.git, name, app.heads)) is not None:
        return f"there is no branch '{name}' here: it was renamed to '{renamed}'", f"{option} {shlex.quote(renamed)}"
    return f"there is no branch '{name}' here", f"git branch {quoted} START, or {option} BRANCH"


def find_editor(app: App) -> str:
    """Return the command line of the person's editor, which git would open."""
    # Not `git var GIT_EDITOR`: for our own gits that variable names an editor that does nothing.
    chosen = (app.env.get("GIT_EDITOR"), app.repo.config("core.editor"), app.env.get("VISUAL"), app.env.get("EDITOR"))
    return next((each for each in chosen if each), "vi")


def add(app: App, order: TaskSpec) -> Task:
    """Add a task to the queue and return it.

    order: the specification of the task.
    Raises AgentError as draft_task and DraftTask.insert do.
    """
    drafted, actor = draft_task(app, order), app.speaker.actor
    with app.store.transaction():
        return drafted.insert(app, actor)
