"""Reserve a task by recording the intent to make its next attempt, and plan where the attempt goes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from git_agent.actions.attempts.discard import discard_attempt
from git_agent.actions.attempts.startable import make_room
from git_agent.actions.path_claims.overlaps import claim_conflicts
from git_agent.actions.reconcile.reconcile import upstreams
from git_agent.actions.recovery.journal import record_intent, reserve_first
from git_agent.actions.transition import require_current
from git_agent.actions.worktrees import allowed_root
from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.advice import steps_towards
from git_agent.domain.attempt_plan import AttemptPlan, plan_attempt
from git_agent.domain.gates import base_gone_error, blocked
from git_agent.domain.process_id import ProcessId
from git_agent.domain.recovery import StepProgress
from git_agent.domain.task import State, Task
from git_agent.errors import AgentError, Exit, refused
from git_agent.git import refs
from git_agent.proc import processes
from git_agent.store.intents import Intent


def record_spawn(app: App, task: int, owner: ProcessId, *, new: bool = False) -> int:
    """Record the intent to make a task's next attempt, which reserves the task for this command; return its number.

    Call this inside a transaction.
    task: the number of the task.
    owner: this process.
    new: this command added the task, so the task is removed if its worktree can't be created.
    Raises AgentError (exit 6) when another command is working on the task.
    """
    return record_intent(app, "spawn", task, owner, {"new": new})


def reserve_ready(app: App, tasks: Sequence[Task], owner: ProcessId, max_attempts: int) -> tuple[Task, int] | None:
    """Reserve the first of these tasks that nobody has claimed or changed; return it and the number of the intent.

    Call this inside a transaction.
    tasks: tasks of the queue as they were read.
    max_attempts: agent.maxAttempts.
    Returns None if there is none.
    """
    return reserve_first(app, "spawn", tasks, owner, {"new": False}, max_attempts=max_attempts)


def record_place(app: App, intent: int, place: AttemptPlan, *, new: bool) -> None:
    """Record in the intent where the attempt goes, before anything is created there.

    intent: the number of the intent.
    place: the plan of the attempt.
    new: as for record_spawn.
    """
    with app.store.transaction():
        app.store.intents.update(intent, {"new": new, "place": place._asdict()})


def observe(app: App, intent: Intent) -> StepProgress:
    """Report no progress: the path of an interrupted attempt was never given to anyone, so it can be rolled back."""
    return StepProgress()


def finish(app: App, intent: Intent) -> None:
    """Raise AssertionError: an interrupted attempt is always rolled back, never finished."""
    raise AssertionError(f"intent {intent.id} can only be rolled back")


def roll_back(app: App, intent: Intent) -> None:
    """Remove a half-made attempt and its intent.

    The branch is removed only if it is not adopted and has no commits of its own. A task that the same command added is
    removed as well.
    """
    if intent.data.get("place"):
        discard_attempt(app, intent.task, AttemptPlan(**intent.data["place"]))
    actor = app.speaker.actor
    with app.store.transaction():
        app.store.intents.end(intent.id)
        found = app.store.tasks.find(intent.task)
        if intent.data.get("new") and found is not None and found.version == 0 and app.store.tasks.delete(found):
            app.store.events.append("task.taken-back", actor, task=intent.task, data={"title": found.title})


def reserve(
    app: App, task: Task, intent: int, *, adopt: str | None = None, new: bool = False, fresh: bool = False
) -> AttemptPlan:
    """Plan the branch and worktree of a task's next attempt, record them in the intent, and return the plan.

    intent: the number of the intent that this command recorded.
    adopt: an existing branch to use; None creates one.
    new: as for record_spawn.
    fresh: always start from the base.
    Raises AgentError: exit 3 when the branch exists, its name clashes with that of another branch, or the branch to
    adopt is in use; exit 1 for an unknown base or branch.
    """
    # An earlier attempt's worker may have committed since this command read the refs, and its last commit counts. If
    # another process makes this branch meanwhile, git refuses to make it again.
    heads = app.heads if task.attempt else app.sighted_heads
    base_oid = heads.get(task.base)
    if base_oid is None:
        raise base_gone_error(task)
    adopted = None if adopt is None else _adopted(app, names.check_branch(adopt))
    if adopted is None and (fresh or task.branch not in heads):
        base_oid = _brought_up_to_date(app, task.base, base_oid)
    place = plan_attempt(
        task,
        prefix=app.config.prefix,
        directory=allowed_root(app),
        heads=heads,
        base_oid=base_oid,
        adopt=adopted,
        fresh=fresh,
    )
    other = None if place.adopted else refs.clashing_branch(place.branch, heads)
    if other is not None:
        says = "exists already" if other == place.branch else f"can't coexist with '{other}'"
        raise refused(
            "branch-exists",
            f"the branch '{place.branch}' {says}",
            f"to adopt that one: git agent spawn TITLE --branch {other}"
            if new
            else make_room(task.id, place.branch, other),
        )
    record_place(app, intent, place, new=new)
    return place


def _adopted(app: App, branch: str) -> str:
    head = app.repo.head(branch)
    if head is None:
        raise _unknown(app, branch)
    owner = next((t for t in app.store.tasks.by_branch(branch) if t.live), None)
    if owner is not None:
        raise refused("branch-in-use", f"the branch '{branch}' is {owner.label}'s", f"git agent show {owner.id}")
    if head.worktree is not None:
        raise refused(
            "branch-in-use",
            f"the branch '{branch}' is checked out at {head.worktree}",
            f"git -C {shlex.quote(head.worktree)} switch --detach",
        )
    return branch


def _unknown(app: App, branch: str) -> AgentError:
    from git_agent.git.upstream import local_name

    local, hint = local_name(app.repo, branch), "git branch --list"
    if local is not None:
        make = "" if app.repo.branch_oid(local) else f"git branch {shlex.quote(local)} {shlex.quote(branch)}, then "
        hint = f"a task needs a local branch: {make}--branch {shlex.quote(local)}"
    return AgentError("unknown-branch", f"there is no branch '{branch}' here", hint)


def _brought_up_to_date(app: App, base: str, oid: str) -> str:
    """Fast-forward a base to its upstream (agent.pullBase), or report how far behind it is; return its tip.

    oid: the tip so far, a full oid
    A base that can't be brought up to date is reported, and the attempt starts from it as it is.
    """
    if app.config.switch("agent.pullBase"):
        return _pull(app, base, oid)
    ref = upstreams(app, [base])[base]
    there = (app.sighted.remotes if app.sighted else {}).get(ref)
    if there in (None, oid):
        return oid
    from git_agent.git.upstream import forward_command

    shown, (ahead, behind) = ref.removeprefix("refs/remotes/"), app.repo.ahead_behind(oid, there or "")
    if behind:
        number = "1 commit" if behind == 1 else f"{behind} commits"
        also = f" (and {ahead} ahead)" if ahead else ""
        app.notice(
            f"the base '{base}' is {number} behind {shown}{also}: {forward_command(app.repo, base, shown, ahead)}"
        )
    return oid


def _pull(app: App, base: str, oid: str) -> str:
    from git_agent.git.merging.land import land_commit
    from git_agent.git.upstream import fetch_upstream

    app.progress(f"fetching the upstream of '{base}'")
    try:
        found = fetch_upstream(app.repo, base)
        if found is None or app.repo.is_ancestor(found, oid):
            return oid
        if not app.repo.is_ancestor(oid, found):
            app.notice(f"'{base}' and its upstream have diverged, so it stays as it is: git log {base}...{found[:12]}")
            return oid
        land_commit(app.repo, base, found, oid, "git-agent: pull")
    except AgentError as error:
        app.notice(f"'{base}' stays as it is, since it can't be brought up to date: {error.message}; {error.hint}")
        return oid
    app.notice(f"'{base}' was brought up to date: {oid[:12]}..{found[:12]}")
    return found


def reserve_open(app: App, task: Task) -> tuple[Task, int]:
    """Reserve an OPEN task; return its current record and the number of the intent.

    Raises AgentError: exit 5 for a superseded speaker; exit 3 for a task that is not OPEN, is blocked, or whose paths a
    live task claims (agent.pathClaims=refuse); exit 6 when such a claim is made at the same moment.
    """
    require_current(app, task)
    owner, claims = processes.myself(), claim_conflicts(app, [task])
    _ = app.config
    with app.store.transaction():
        now = app.store.tasks.get(task.id)
        if (error := readiness_error(app, now) or claims.error(now)) is not None:
            raise error
        if not claims.allowed(app, [now]):
            says = "another task has just claimed paths that may overlap"
            raise AgentError("claimed-meanwhile", says, "try again", exit=Exit.BUSY)
        intent = record_spawn(app, task.id, owner)
    app.notices.extend(claims.notes.get(task.id, ()))
    return now, intent


def readiness_error(app: App, task: Task) -> AgentError | None:
    """Return the error for a task that is not OPEN or is blocked; None if the task is ready.

    Safe inside a transaction: it runs git only to read the configuration.
    """
    if task.state is not State.OPEN:
        hint = steps_towards(task, State.OPEN)
        return refused("not-open", f"{task.label} is not open: it is {task.state}", hint)
    parents = app.store.tasks.blockers([task.id])[task.id]
    why = blocked(task, parents, app.store.now(), app.config.number("agent.maxAttempts"))
    if why is None:
        return None
    hint = f"git config agent.maxAttempts {task.attempt + 1}" if why.used_up else "git agent ready --why"
    return refused("blocked", f"{task.label} is not ready: {why.why}", hint)
