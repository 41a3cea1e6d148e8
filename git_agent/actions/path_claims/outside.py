"""Find changes outside a task's own path claim or inside another task's; refuse or warn (agent.pathClaims)."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from git_agent.app import App
from git_agent.domain.path_claim import PathClaim, may_match
from git_agent.domain.speaker import COORDINATOR
from git_agent.domain.task import LIVE, Task
from git_agent.errors import refused
from git_agent.git.merging.fork import find_start
from git_agent.record import Record


class Outside(Record):
    """Files that a task's branch changed outside of its claim.

    task: the task.
    claimed_by: the other task that claims the files; None if the task has a claim that does not include them.
    paths: the files.
    """

    task: int
    claimed_by: int | None
    paths: tuple[str, ...]

    @property
    def whose(self) -> str:
        """Return the end of the sentence `task 1 changed what ...`."""
        return "its own paths do not include" if self.claimed_by is None else f"task {self.claimed_by} claims"


def outside(app: App, task: Task, claims: Sequence[PathClaim] | None = None) -> list[Outside]:
    """Compare what a task's branch changed since it left its base with the claims of the live tasks.

    Files in the task's own claim are fine, even if another task claims them too.
    claims: the claims of the live tasks; None reads them from the store.
    Runs git only if there are claims.
    """
    claims = app.store.path_claims.of_states(LIVE) if claims is None else claims
    if not claims:
        return []
    heads = app.sighted_heads
    base, tip = heads.get(task.base), heads.get(task.branch or "")
    start = find_start(app.repo, base, tip, task.base_oid).oid if base and tip else None
    if start is None or tip is None:
        return []
    from git_agent.git import pathspecs

    changed = pathspecs.changed_paths(app.repo, start, tip)

    def inside(claim: PathClaim) -> frozenset[str]:
        near = may_match(changed, claim.paths)
        return pathspecs.changed_paths(app.repo, start, tip, claim.paths) if near else frozenset()

    own = [inside(claim) for claim in claims if claim.task == task.id]
    beyond = changed.difference(*own)
    found = [Outside(task.id, c.task, tuple(sorted(inside(c) & beyond))) for c in claims if c.task != task.id]
    found += [Outside(task.id, None, tuple(sorted(beyond)))] if own else []
    return [each for each in found if each.paths]


_MOST_LINES = 20
_NAMED = 3  # the most files that a hint names


def check_outside(app: App, task: Task) -> None:
    """Compare what a task's branch changed with the claims of the live tasks, its own among them.

    With agent.pathClaims=warn, adds a notice for each claim. Costs one query if there are no claims.
    Raises AgentError (exit 3) with the list of files if agent.pathClaims is refuse.
    """
    claims = app.store.path_claims.of_states(LIVE)
    if claims and app.config.path_claims == "refuse":
        found = outside(app, task, claims)
        if found:
            says = f"{task.label} changed what {found[0].whose}"
            other = found[0].claimed_by
            hint = _wider(app, task, found[0], claims) if other is None else f"git agent send {other} TEXT"
            raise refused("outside-claim", says, hint, tuple(_lines(found)))
    elif claims:
        for line in warn_outside(app, task):
            app.notice(line)


def _wider(app: App, task: Task, found: Outside, claims: Sequence[PathClaim]) -> str:
    """Return the command that widens a task's claim. `--path` replaces all paths, so it repeats the present ones.

    A worker can't widen its claim, so its hint says what to ask for.
    """
    own = next((each.paths for each in claims if each.task == task.id), ())
    more = found.paths if len(found.paths) <= _NAMED else ("PATHSPEC",)
    wider = f"git agent edit {task.id} " + " ".join(f"--path {quote(path)}" for path in (*own, *more))
    return f"git agent send {COORDINATOR} TEXT, to ask for: {wider}" if app.speaker.is_worker else wider


def _lines(found: list[Outside]) -> list[str]:
    lines = [f"{path} ({each.whose})" for each in found for path in each.paths]
    return lines[:_MOST_LINES] + [f"and {len(lines) - _MOST_LINES} more"] * (len(lines) > _MOST_LINES)


_MOST_PATHS = 3


def warn_outside(app: App, task: Task) -> list[str]:
    """Compare what a task's branch changed with the claims of the live tasks; return a warning for each claim.

    Returns nothing if agent.pathClaims is off. With refuse it also only warns: a push that arrived can't be refused.
    Costs one query if there are no claims. Otherwise it runs git, so do not call it in a transaction.
    """
    claims = app.store.path_claims.of_states(LIVE)
    if not claims or app.config.path_claims == "off":
        return []
    return [_line(task, each) for each in outside(app, task, claims)]


def _line(task: Task, found: Outside) -> str:
    more = f" and {len(found.paths) - _MOST_PATHS} more" if len(found.paths) > _MOST_PATHS else ""
    return f"{task.label} changed what {found.whose}: {', '.join(found.paths[:_MOST_PATHS])}{more}"
