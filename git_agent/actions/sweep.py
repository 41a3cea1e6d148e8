"""End what dead supervisors left running: the group of the worker's command, and whoever carries its token."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from git_agent.actions.under_lock import under_lock
from git_agent.app import App
from git_agent.domain.reaping import REAPER
from git_agent.proc import remains
from git_agent.store import events, locks, sessions
from git_agent.store.sessions import Session


def sweep(app: App, dead: Iterable[int]) -> list[str]:
    """End the sessions of dead supervisors, and their processes; return a line where there were any.

    dead: sessions of this host whose supervisors are gone. Those whose lease still runs are left to it, and so is the
    session that this command runs in.
    """
    secret = app.env.get("GIT_AGENT_TOKEN")
    mine = None if secret is None else hashlib.sha256(secret.encode()).hexdigest()
    found = [session for session in sessions.abandoned(dead) if session.token != mine]
    if not found:
        return []
    with under_lock(app, locks.REAP) as fence:
        return [] if fence is None else [line for each in found if (line := _sweep(app, each, fence))]


def _sweep(app: App, session: Session, fence: int) -> str | None:
    # The processes first: a sweep that is cut short is done again, since the session has not ended.
    there = remains.end(session.child, session.token)
    says = "what its dead worker left running was ended" if there else "its worker's supervisor died"
    with app.store.transaction():
        locks.require(locks.REAP, fence)
        if not sessions.end(session.id):
            return None
        data = {"session": session.id, "attempt": session.attempt, "pid": session.owner.pid, "text": says}
        events.append("task.swept", REAPER, task=session.task, epoch=session.epoch, data=data)
    return f"task {session.task}: {says}" if there else None
