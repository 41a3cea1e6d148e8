"""Resolve arguments: a task, a time, and the commits of a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from git_agent.actions.permission import require_permission
from git_agent.actions.transition import run_again
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.durations import parse_duration
from git_agent.domain.task import LIVE, MOVES, UNFINISHED, State, Task
from git_agent.errors import AgentError, usage
from git_agent.git.config import parse_date
from git_agent.git.history import Commit
from git_agent.git.repo import HANDED_IN


def find(app: App, ref: str | None) -> Task:
    """Find the task that the command's verb acts on, and refuse a worker that may not use the verb on it.

    ref: as for resolve.
    Raises AgentError: as resolve and require_permission do.
    """
    task = resolve(app, ref)
    if app.may_be_worker:
        require_permission(app, task)
    return task


def resolve(app: App, ref: str | None) -> Task:
    """Find a task by id, name or branch, for a verb that only mentions it.

    ref: None means the task of the current worktree, or of the environment of `git agent run`.
    Raises AgentError: exit 1 with the candidates when ref is unknown or ambiguous, exit 2 when ref is None and there is
    no current task.
    """
    _ = app.store  # outside a repository, that is the error to report, whatever was typed
    if ref is None:
        return _here(app)
    meant = names.parse_ref(ref, app.config.prefix)
    if meant.id is not None:
        found = app.store.tasks.find(meant.id)
        candidates = [found] if found else []
    else:
        candidates = (
            _by_branch(app, meant.branch) or app.store.tasks.by_name(meant.name_key) or _by_branch(app, meant.prefixed)
        )
    if len(candidates) == 1:
        return candidates[0]
    raise _ambiguous(ref, candidates) if candidates else _unknown(app, ref)


def _here(app: App) -> Task:
    app.store.check()  # without a store there are no tasks to find
    here = app.worker_of
    if here is None:
        raise usage(
            "no-task",
            "which task? you are not in a worker's worktree",
            "give its id, name or branch: git agent list",
        )
    return app.store.tasks.get(here)


def _by_branch(app: App, branch: str | None) -> list[Task]:
    if branch is None:
        return []
    attempt = app.store.attempts.by_branch(branch)
    return app.store.tasks.by_branch(branch) or ([app.store.tasks.get(attempt.task)] if attempt else [])


def _unknown(app: App, ref: str) -> AgentError:
    import difflib

    known = {t.name: t for t in app.store.tasks.unfinished()}
    near = difflib.get_close_matches(ref[:60], known, n=5, cutoff=0.5)
    return AgentError(
        "unknown-task",
        f"there is no task '{ref[:60]}'",
        "git agent list --all",
        details=tuple(f"did you mean {known[n].id} ({n})?" for n in near),
    )


def _ambiguous(ref: str, found: list[Task]) -> AgentError:
    lines = tuple(f"{t.id}  {t.state}  {t.branch or t.name}" for t in found)
    return AgentError("ambiguous-task", f"'{ref}' may mean several tasks", "give the id", details=lines)


def tasks_for(app: App, verb: str) -> list[Task]:
    """List the tasks that a verb can act on according to the state machine; used for completion.

    verb: its name; "" or a verb without steps means every unfinished task.
    """
    everything = frozenset(State)
    special: Mapping[str, Set[State]] = {
        **dict.fromkeys(("show", "log", "status", "logs"), everything),
        **dict.fromkeys(("heartbeat", "diff", "exec"), LIVE),
        "rm": everything - LIVE,
        "run": {State.OPEN, State.ASSIGNED, State.WORKING},
    }
    steps: set[State] = set().union(*(m.sources for m in MOVES if m.step == verb))
    return app.store.tasks.listing(special.get(verb) or steps or UNFINISHED)


def reread(app: App, task: Task) -> Task:
    """Read a task again after an action."""
    return app.store.tasks.get(task.id)


def existing(app: App, ids: Iterable[int]) -> list[Task]:
    """Read each task once, in the given order; skip those that do not exist."""
    found = map(app.store.tasks.find, dict.fromkeys(ids))
    return [task for task in found if task is not None]


def parse_time(app: App, text: str) -> int:
    """Parse a time such as `30m`, `7d`, `yesterday` or `2026-01-01`; return ms since the epoch.

    Raises AgentError (exit 2) when the text is neither an age nor a date.
    """
    now = app.store.now()
    try:
        return now - int(parse_duration(text) * 1000)
    except AgentError:
        found = parse_date(app.repo, text)
    if found is None:
        hint = "an age, as in 30m, 12h, 7d; or a date as git reads it, as in yesterday or 2026-01-01"
        raise usage("bad-time", f"bad time {text[:40]!r}", hint)
    return found * 1000


def unattended(app: App, task: Task) -> str | None:
    """Return words for a task that is to be worked on, or is held, while nobody does, with the command to run it.

    That is known of a task that was run. A person or an agent that works by hand may be there without a lease.
    """
    idle = task.state in (State.ASSIGNED, State.WORKING) and not app.store.leases.of([task.id])
    if not idle or not app.store.sessions.over([task.id]):
        return None
    from git_agent.domain.needs import NOBODY

    return f"{NOBODY}: {run_again(app, task)}"


def own_commits(app: App, task: Task, limit: int) -> list[Commit]:
    """List a task's own commits, newest first, without those that it took in from its base.

    limit: the maximum number of commits.
    """
    tip = app.repo.branch_oid(task.branch) if task.branch else None
    tip = tip or (app.repo.resolve(task.head_oid) if task.head_oid else None)
    base = app.repo.branch_oid(task.base)
    start = task.base_oid if task.state is State.COMPLETED else base or task.base_oid
    if not (tip and start):
        return []
    from git_agent.git.merging.fork import own_work

    return own_work(app.repo, start, tip, task.base_oid, limit)


def require_work(app: App, task: Task, base_oid: str, tip: str) -> None:
    """Refuse (exit 3) a branch without work of its own, unless it was handed in like that.

    base_oid, tip: where base and branch are, full oids
    """
    from git_agent.domain.gates import handed_in_gone_error
    from git_agent.git.merging.fork import own_work
    from git_agent.git.refs import find_ref

    if own_work(app.repo, base_oid, tip, task.base_oid, limit=1):
        return
    handed = find_ref(app.repo, f"{HANDED_IN}{task.id}")
    if handed != tip:  # otherwise it was handed in with --allow-empty
        raise handed_in_gone_error(task, handed)
