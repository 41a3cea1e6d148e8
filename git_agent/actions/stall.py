"""Notice workers that make no progress: once for each stall, after a look at their worktrees."""

from __future__ import annotations

from git_agent.actions.hear import hear
from git_agent.app import App
from git_agent.domain.durations import spell
from git_agent.domain.reaping import REAPER
from git_agent.store import events, silence, tasks

_MOST = 24


def stall(app: App) -> None:
    """Append `task.stalled` for each worker without progress for agent.stalled that was not noticed yet.

    Not for the one who runs this command: it is about to do something.
    """
    limit_s, now = app.config.seconds("agent.stalled"), app.store.now()
    quiet = silence.quiet(now - int(limit_s * 1000), _MOST)
    heard = hear(app, quiet)
    still = {task: lease for task, lease in quiet.items() if task not in heard and task != app.worker_of}
    told = events.latest("task.stalled", still)
    for task, lease in still.items():
        if task not in told or told[task].data.get("progress_at") != lease.progress_at:
            says = f"no progress for {spell((now - lease.progress_at) / 1000)}"
            data = {"progress_at": lease.progress_at, "text": says}
            with app.store.transaction():
                epoch = tasks.get(task).epoch
                events.append_once("task.stalled", REAPER, task=task, epoch=epoch, data=data, unlike="progress_at")
