"""End commands that outlived their supervisor or their attempt, and report workers that make no progress."""

from __future__ import annotations

from git_agent.actions.liveness.judge import MOST_EXAMINED, detect_activity
from git_agent.actions.recovery.journal import under_lock
from git_agent.app import App
from git_agent.cache import read_cache, write_cache
from git_agent.domain.durations import spell
from git_agent.domain.lease import Lease
from git_agent.domain.reaping import REAPER
from git_agent.domain.task import Task
from git_agent.proc import orphans, processes
from git_agent.store import locks
from git_agent.store.sessions import Session


def end_orphaned_sessions(app: App, *, patient: bool) -> list[str]:
    """End the sessions of dead supervisors, and their processes; return a line for each that left processes running.

    A session whose lease has not expired is left alone, and so is the one that this command runs in.

    patient: the host slept recently, so that supervisors whose process can't be checked get time to beat
    """
    owners = app.store.sessions.owners()
    dead = [session for session, over, owner in owners if app.is_gone(owner, over=over and not patient)]
    found = [each for each in app.store.sessions.abandoned(dead) if not _is_mine(app, each)] if dead else []
    if not found:
        return []
    with under_lock(app, locks.REAP) as fence:
        return [] if fence is None else [line for each in found if (line := _sweep(app, each, fence))]


def _is_mine(app: App, session: Session) -> bool:
    secret = app.env.get("GIT_AGENT_TOKEN")
    if secret is None:
        return False
    import hashlib

    return hashlib.sha256(secret.encode()).hexdigest() == session.token


def _sweep(app: App, session: Session, fence: int) -> str | None:
    # End the processes first: if this is interrupted, it is repeated, since the session has not ended.
    there = orphans.end_orphans(session.child, session.token)
    says = "ended what its dead worker left running" if there else "its worker's supervisor died"
    if not processes.is_here(session.owner) and session.over:
        says = f"its worker's supervisor, {processes.named(session.owner)}, has been silent for too long"
    with app.store.transaction():
        app.store.locks.require(locks.REAP, fence)
        if not app.store.sessions.end(session.id):
            return None
        data = {"session": session.id, "attempt": session.attempt, "pid": session.owner.pid, "text": says}
        app.store.events.append("task.swept", REAPER, task=session.task, epoch=session.epoch, data=data)
    return f"task {session.task}: {says}" if there else None


def terminate_superseded(app: App, task: Task) -> None:
    """Ask the supervisors of a task's earlier epochs to end their commands; end what dead ones left.

    One that no signal reaches from here learns it at its next beat.
    """
    for session in app.store.sessions.unended(task.id):
        if session.epoch == task.epoch:
            continue
        if app.is_gone(session.owner, over=session.over):
            orphans.end_orphans(session.child, session.token)
        else:
            processes.terminate(session.owner)


def note_running(app: App, task: Task, *, ends: bool = False) -> None:
    """Queue a notice for each supervised command of a task that still runs, unless that command itself asks.

    ends: its supervisor will ask it to end.
    """
    if app.speaker.works_on(task):
        return
    me = processes.myself()
    for session in app.store.sessions.unended(task.id):
        if session.owner != me and not app.is_gone(session.owner, over=session.over):
            which = f"the command of attempt {session.attempt} of {task.label}"
            until = ", and will be asked to end; to end it now" if ends else ""
            app.notice(f"{which} still runs ({processes.named(session.owner)}){until}: git agent stop {task.id}")


_MOST = 24
_PAUSE_MS = 5  # for each file that was examined, which takes 4 us: looking takes a thousandth of the time
_LOOKED = "looked-at-quiet-workers"


def report_stalled(app: App) -> None:
    """Append `task.stalled` for each worker without progress for agent.stalled that was not reported yet.

    The worker that runs this command is skipped: it is about to do something. Looking at 24 large worktrees takes 50 ms
    (measured), so that the commands of the next minute do not look again; those of the next 50 ms after a small one.
    """
    limit_s, now = app.config.seconds("agent.stalled"), app.store.now()
    last = read_cache(app.store_dir, _LOOKED)
    if 0 <= now - last.get("at", 0) < _PAUSE_MS * min(last.get("examined", 0), MOST_EXAMINED):
        return
    quiet = app.store.stale.quiet(now - int(limit_s * 1000), _MOST)
    heard, examined = detect_activity(app, quiet)
    still = {task: lease for task, lease in quiet.items() if task not in heard and task != app.worker_of}
    told = app.store.events.latest("task.stalled", still)
    for task, lease in still.items():
        if task not in told or told[task].data.get("progress_at") != lease.progress_at:
            _report(app, lease, now)
    write_cache(app.store_dir, _LOOKED, {"at": now, "examined": examined})


def _report(app: App, lease: Lease, now: int) -> None:
    says = f"no progress for {spell((now - lease.progress_at) / 1000)}"
    data = {"progress_at": lease.progress_at, "text": says}
    with app.store.transaction():
        epoch = app.store.tasks.get(lease.task).epoch
        app.store.events.append_once(
            "task.stalled", REAPER, task=lease.task, epoch=epoch, data=data, unlike="progress_at"
        )
