"""Take tasks back from workers that are dead, and end what these left running; nothing but two queries mostly."""

from __future__ import annotations

from dataclasses import dataclass

from git_agent.actions.keep_time import keep_time
from git_agent.app import App
from git_agent.errors import AgentError
from git_agent.store import sessions, silence

_UNASKED_S = 60.0  # the configuration costs a look at git: it is asked for what is quiet for a minute, or was asked for


@dataclass(frozen=True, slots=True)
class Reaped:
    """What was taken back and ended: one line each."""

    lines: tuple[str, ...]


def reap(app: App) -> Reaped:
    """Look for expired leases, dead supervisors and workers without progress, and do what they call for.

    Every command that looks at git does it, after the worker who runs it was heard. One process at a time acts, under
    a fenced lock; where the store can't be written nobody does.
    """
    try:
        return Reaped(tuple(_reap(app)))
    except AgentError as error:
        if error.code == "store-not-writable":
            return Reaped(())
        return Reaped((f"dead workers can't be looked for: {error.message}",))


def _reap(app: App) -> list[str]:
    reading = app.clock()
    seen, lines = silence.glance(reading.host), list[str]()
    if seen.expirable:
        keep_time(app, reading, seen.clocks)
    if seen.overdue:
        from git_agent.actions.expire import expire

        lines += expire(app)
    supervised = sessions.owners(reading.host)
    if supervised:
        from git_agent.proc import processes

        if dead := [session for session, owner in supervised if processes.is_gone(owner)]:
            from git_agent.actions.sweep import sweep

            lines += sweep(app, dead)
    if _may_stall(app, seen):
        from git_agent.actions.stall import stall

        stall(app)
    return lines


def _may_stall(app: App, seen: silence.Glance) -> bool:
    if seen.quiet_since is None:
        return False
    quiet_s = (seen.now - seen.quiet_since) / 1000
    return (app.has_settings or quiet_s >= _UNASKED_S) and quiet_s >= app.config.seconds("agent.stalled")
