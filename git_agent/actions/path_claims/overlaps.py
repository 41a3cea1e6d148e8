"""Find tasks whose path claims overlap, and refuse or warn (agent.pathClaims)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from git_agent.app import App
from git_agent.domain import names
from git_agent.domain.gates import Blocked
from git_agent.domain.path_claim import PathClaim, certain_overlaps, may_overlap, parse_pathspec
from git_agent.domain.task import LIVE, State, Task
from git_agent.errors import AgentError, Exit, refused, usage
from git_agent.record import Record

_SHOWN = 3


class Overlap(Record):
    """A claim that overlaps with another one.

    claim, other: the two claims.
    paths: the narrower pathspec of each pair that overlaps, or else the files that both claims match.
    """

    claim: PathClaim
    other: PathClaim
    paths: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Return the first few paths, on one line."""
        more = len(self.paths) - _SHOWN
        return ", ".join(self.paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def overlaps(
    app: App, claim: PathClaim, after: Sequence[int] | None = None, among: Sequence[PathClaim] | None = None
) -> list[Overlap]:
    """List the overlaps of a claim with those of other tasks, except tasks that wait for one another.

    claim: the claim.
    after: the tasks that its task waits for, if these are not recorded yet.
    among: the claims to compare with; None for those of all live and OPEN tasks.
    For existing files, git determines exactly what overlaps. For future files, two patterns overlap only if they are
    equal, one matches the other's path, or one lies in the other's directory.
    """
    claims = _unfinished(app) if among is None else among
    near = [each for each in claims if each.task != claim.task and may_overlap(claim.paths, each.paths)]
    if not near:
        return []
    above = _above(app, [claim.task or 0] if after is None else after) | set(after or ())
    others = [each for each in near if each.task not in above]
    free = [c for c in others if claim.task is None or claim.task not in _above(app, [c.task or 0])]
    found = [Overlap(claim, other, _shared(app, claim, other)) for other in free]
    return [each for each in found if each.paths]


def _unfinished(app: App) -> list[PathClaim]:
    return app.store.path_claims.of_states(LIVE | {State.OPEN})


def _shared(app: App, one: PathClaim, other: PathClaim) -> tuple[str, ...]:
    if met := certain_overlaps(one.paths, other.paths):
        return met
    from git_agent.git import pathspecs

    heads = app.sighted_heads
    if one.base not in heads or other.base not in heads:
        return ()
    ours, theirs = (pathspecs.tracked_paths(app.repo, heads[c.base], c.paths) for c in (one, other))
    return tuple(sorted(ours & theirs))


def _above(app: App, ids: Iterable[int]) -> set[int]:
    """Return all tasks that these tasks wait for, directly or indirectly."""
    found: set[int] = set()
    waiting = list(ids)
    while waiting:
        waiting = sorted({p for parents in app.store.tasks.parents(waiting).values() for p in parents} - found)
        found.update(waiting)
    return found


_Key = tuple[int | None, tuple[str, ...], bool]


class _Standing(Record):
    claim: PathClaim
    taken: bool

    @property
    def key(self) -> _Key:
        return self.claim.task, self.claim.paths, self.taken


class ClaimConflicts(Record):
    """The conflicts between the claims of OPEN and live tasks.

    blocked: why a task must wait, by task (agent.pathClaims=refuse).
    notes: the warnings to show when a task is claimed, by task (agent.pathClaims=warn).
    seen: the claims that were compared; None if no claim can make a task wait.
    """

    blocked: Mapping[int, Blocked]
    notes: Mapping[int, tuple[str, ...]]
    seen: frozenset[_Key] | None = None

    def error(self, task: Task) -> AgentError | None:
        """Return the error for a task that must wait, or None if it need not."""
        if (found := self.blocked.get(task.id)) is None:
            return None
        hint = f"git agent edit {task.id} {' '.join(f'--after {other}' for other in found.by)}, to wait for it"
        return refused("paths-claimed", f"{task.label} is not ready: {found.why}", hint)

    def allowed(self, app: App, tasks: Sequence[Task]) -> list[Task]:
        """Return those of the compared tasks that may still be claimed, considering claims made after the comparison.

        Call this inside the transaction. It does not run git.
        """
        seen = self.seen
        if seen is None:
            return list(tasks)
        now = _standing(app, tasks)
        own = {each.claim.task: each for each in now}
        new = [each.claim for each in now if each.taken and each.key not in seen]

        def is_free(mine: _Standing | None) -> bool:
            return mine is None or (
                mine.key in seen and not any(may_overlap(mine.claim.paths, other.paths) for other in new)
            )

        return [task for task in tasks if task.id not in self.blocked and is_free(own.get(task.id))]


def claim_conflicts(app: App, queue: Sequence[Task]) -> ClaimConflicts:
    """Compare the claims of OPEN tasks with those of the live ones.

    queue: the OPEN tasks.
    Costs one query if there are no claims. Otherwise it runs git, so do not call it in a transaction.
    """
    claims = _standing(app, queue)
    if not claims or (mode := app.config.path_claims) == "off":
        return ClaimConflicts({}, {})
    own = {each.claim.task: each.claim for each in claims}
    taken = [each.claim for each in claims if each.taken]
    found = {t.id: overlaps(app, own[t.id], among=taken) for t in queue if t.id in own}
    found = {task: each for task, each in found.items() if each}
    if mode == "refuse":
        blocked = {task: Blocked(task, _why(each), _claimants(each)) for task, each in found.items()}
        return ClaimConflicts(blocked, {}, frozenset(each.key for each in claims))
    return ClaimConflicts(
        {}, {task: tuple(f"paths overlap with {_claimed_by(o)}" for o in each) for task, each in found.items()}
    )


def _standing(app: App, tasks: Sequence[Task]) -> list[_Standing]:
    """List the claims of live tasks and of these. An OPEN task whose worktree is being created counts as live."""
    reserved = {intent.task for intent in app.store.intents.pending()}
    found = app.store.path_claims.of_live_and(reserved | {task.id for task in tasks})
    return [_Standing(c, c.state in LIVE or c.task in reserved) for c in found]


def _why(found: Sequence[Overlap]) -> str:
    return "its paths overlap with those of " + ", ".join(map(_claimed_by, found))


def _claimants(found: Sequence[Overlap]) -> tuple[int, ...]:
    return tuple(o.other.task or 0 for o in found)


def _claimed_by(found: Overlap) -> str:
    return f"task {found.other.task} ({found.other.state}): {found.shown}"


class Claimable(Record):
    """Pathspecs that may be claimed.

    paths: the pathspecs.
    seen: the claims that they were compared with; None if overlaps are not refused.
    """

    paths: tuple[str, ...]
    seen: frozenset[PathClaim] | None = None

    def require(self, app: App, task: int | None = None) -> None:
        """Check again, inside the transaction, for claims that were made since the comparison. This does not run git.

        task: the number of the task that claims the paths; None if it has none yet.
        Raises AgentError (exit 6) when such a claim may overlap.
        """
        now = [] if self.seen is None else _other_claims(app, task)
        if any(may_overlap(self.paths, each.paths) for each in now if each not in (self.seen or ())):
            says = "another task has just claimed paths that may overlap"
            raise AgentError("claimed-meanwhile", says, "try again", exit=Exit.BUSY)


def _other_claims(app: App, task: int | None) -> list[PathClaim]:
    return [each for each in app.store.path_claims.of_states(LIVE | {State.OPEN}) if each.task != task]


def check_claims(app: App, given: Sequence[str], base: str, after: Sequence[int], task: int | None = None) -> Claimable:
    """Parse the pathspecs of a task and compare them with the claims of live and OPEN tasks; return them.

    given: the pathspecs as typed.
    base: the base branch of the task.
    after: the tasks that it waits for, with which it may overlap.
    task: the number of the task; None if it has none yet.
    With agent.pathClaims=warn, adds a notice for each overlap.
    Raises AgentError: exit 2 for an invalid pathspec, exit 3 for an overlap if agent.pathClaims is refuse.
    """
    paths = tuple(_read(path) for path in dict.fromkeys(given))
    if not paths:
        return Claimable(paths)
    from git_agent.git import pathspecs

    pathspecs.check_pathspecs(app.repo, paths)
    mode = app.config.path_claims
    if mode == "off":
        return Claimable(paths)
    seen = frozenset(_other_claims(app, task))
    found = overlaps(app, PathClaim(task, State.OPEN, base, paths), after)
    if found and mode == "refuse":
        others = ", ".join(f"task {each.other.task}" for each in found)
        says = f"{'its paths overlap' if task is None else f'the paths of task {task} overlap'} with those of {others}"
        after_all = " ".join(f"--after {each.other.task}" for each in found)
        hint = f"give other paths, or {after_all} to wait for {'it' if len(found) == 1 else 'them'}"
        if task is not None and app.store.tasks.get(task).live:  # it is already being worked on, so it can't wait
            hint = f"give other paths, or git agent send {found[0].other.task} TEXT"
        raise refused("paths-claimed", says, hint, tuple(map(_overlap_line, found)))
    for each in found:
        app.notice(f"paths overlap with {_overlap_line(each)}")
    return Claimable(paths, seen if mode == "refuse" else None)


def _read(text: str) -> str:
    """Return a valid pathspec. It must be a single line: the hook of agent.guard reads one pathspec per line."""
    path = names.check_line(text, "path")
    if "\n" in path:
        raise usage("bad-path", "a path has a newline", "give the directory")
    parse_pathspec(path)
    return path


def _overlap_line(found: Overlap) -> str:
    return f"task {found.other.task} ({found.other.state}): {found.shown}"
