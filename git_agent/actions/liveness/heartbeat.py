"""Record a worker's heartbeat and renew its lease."""

from __future__ import annotations

from git_agent.app import App
from git_agent.domain.lease import BEAT_S, duration_s
from git_agent.domain.task import State, Task
from git_agent.errors import refused


def heartbeat(app: App, task: Task, note: str | None = None) -> Task:
    """Record a heartbeat.

    note: text that counts as progress and is shown with the task; with a task on hold, only in its log
    Raises AgentError: exit 5 for a superseded worker, exit 3 for a task that nobody works on.
    """
    from git_agent.actions.transition import require_current
    from git_agent.domain import names

    speaker, beat_s, lease_s = app.speaker, app.config.seconds("agent.beat"), app.config.seconds("agent.lease")
    text = None if note is None else names.check_message(note, 4096)
    with app.store.transaction():
        now = app.store.tasks.get(task.id)
        require_current(app, now)
        if not now.live:
            raise refused(
                "not-live", f"cannot record a heartbeat for {now.label}: it is {now.state}", f"git agent show {now.id}"
            )
        lease = app.store.leases.of([now.id]).get(now.id)
        if lease is None and now.hold is None and now.state is not State.APPROVED:  # what waits has no lease
            app.store.leases.take(now.id, "hand", None)
        renewed_s = duration_s(lease.kind if lease else "hand", beat_s=beat_s, lease_s=lease_s) or 0.0
        app.store.leases.beat(now.id, renewed_s, note=text, progress=text is not None)
        if text is not None:
            app.store.events.append("task.noted", speaker.actor, task=now.id, epoch=now.epoch, data={"note": text})
    return now


def renew_lease(app: App) -> None:
    """Record a beat for the worker that runs this command, if it is the current one; at most every ten seconds.

    A supervised worker is skipped: its supervisor beats, and a command that outlived it must not look alive.
    """
    if app.worker_of is None:
        return
    task = app.store.tasks.find(app.worker_of)
    lease = app.store.leases.of([app.worker_of]).get(app.worker_of)
    if task is None or lease is None or lease.kind == "run" or not task.live or app.speaker.superseded(task):
        return
    if app.store.now() - lease.beat_at >= BEAT_S * 1000:
        with app.store.transaction():
            app.store.leases.beat(task.id, app.config.seconds("agent.lease"))
