"""A worker that runs any verb is there: renew its lease, now and then."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.lease import BEAT_S
from git_agent.store import leases, tasks


def touch(app: App) -> None:
    """Beat for the worker who runs this command, if it is the current one; at most every ten seconds.

    Not for a supervised one: its supervisor beats, and a command that outlived it must not look alive.
    """
    if app.worker_of is None:
        return
    task = tasks.find(app.worker_of)
    lease = leases.of([app.worker_of]).get(app.worker_of)
    if task is None or lease is None or lease.kind == "run" or not task.live or app.speaker.superseded(task):
        return
    if app.store.now() - lease.beat_at >= BEAT_S * 1000:
        with app.store.transaction():
            leases.beat(task.id, app.config.seconds("agent.lease"))
