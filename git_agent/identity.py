"""Who runs the command: the worker that the current worktree, a token or the environment tells, or a person."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from git_agent.domain.speaker import WorkerIdentity
from git_agent.git.repo import Repo
from git_agent.git.worktrees import registry
from git_agent.store.store import Store


def known_workers(
    store: Store, env: Mapping[str, str], around: Sequence[str], admins: Sequence[str]
) -> Iterator[WorkerIdentity]:
    """Yield the workers that the current worktree and the token identify, in this order.

    env: the environment
    around: the current directory and those above it, of which one may be recorded as a worktree
    admins: the names of the linked worktrees that this command may be in
    """
    known = store.attempts.at_paths(around) if around else []
    for each in dict.fromkeys([*known, *filter(None, map(store.attempts.by_admin, admins))]):
        yield WorkerIdentity(each.task, each.number, each.epoch, proved=True)
    if token := env.get("GIT_AGENT_TOKEN"):
        import hashlib

        found = store.sessions.by_token(hashlib.sha256(os.fsencode(token)).hexdigest())
        if found is None:  # this proves no identity, but its holder is not a person
            yield WorkerIdentity(None, None, None)
        else:
            yield WorkerIdentity(found.task, found.attempt, found.epoch, proved=True, agent=found.agent)


def named_worker(env: Mapping[str, str]) -> WorkerIdentity | None:
    """Return the worker that the environment names; this proves nothing."""
    task, epoch = (_number(env.get(f"GIT_AGENT_{name}")) for name in ("TASK", "EPOCH"))
    return None if task is None and epoch is None else WorkerIdentity(task, None, epoch)


def _number(text: str | None) -> int | None:
    """Parse a number of at most 18 digits, which the database can store; None for any other text."""
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) <= 18 else None


def worker_evidence(repo: Repo, store: Store, env: Mapping[str, str]) -> Iterator[str]:
    """Yield what suggests that a worker typed this command, although every check says that a person did."""
    from git_agent.proc import ancestry

    origins = ancestry.origins(env)
    elsewhere = [each for each in origins if each.directory != repo.main_worktree]
    paths = sorted({path for each in elsewhere for path in each.above})
    known = {a.worktree: a.task for a in reversed(store.attempts.at_paths(paths))} if paths else {}
    for each in origins:
        if each.has_token:
            yield f"process {each.has_token} above it has the token of a worker"
        nearest = next((path for path in each.above if path in known), None) if each in elsewhere else None
        if nearest is not None:
            yield f"{each.what} the worktree of task {known[nearest]}"
    there = registry.registration(repo, repo.admin) if repo.admin else None
    if there is not None and there.made_at * 1000 > store.attempts.first_started():
        yield f"it was typed in the worktree {there.path}, which was made by hand after workers began"
