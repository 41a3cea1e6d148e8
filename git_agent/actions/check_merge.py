"""Run the check command on what a merge made, before the base moves."""

from __future__ import annotations

from git_agent.actions.candidate import Candidate
from git_agent.actions.take import take
from git_agent.app import App
from git_agent.domain.message import Draft
from git_agent.domain.task import Step, Task
from git_agent.errors import refused
from git_agent.git.preview import preview
from git_agent.proc import check


def check_merge(app: App, task: Task, made: Candidate, dry_run: bool) -> None:
    """Check a candidate in a scratch worktree with the task's or the repository's command; nothing without one.

    A failing check sends the task back to its worker (hold check_failed) with the last lines, unless dry_run. Raises
    AgentError (exit 3).
    """
    command = task.check_command or app.config.text("agent.check")
    if not command:
        return
    app.progress(f"check: {command}")
    with preview(app.repo, made.oid) as path:
        ran = check.run(command, path, {"GIT_AGENT_TASK": str(task.id)}, app.progress)
    if ran.status == 0:
        return
    why = f"the check failed with {ran.status}: {command}"
    if not dry_run:
        told = Draft(str(task.id), "\n".join([why, *ran.tail]), task.id, urgent=True, needs_ack=True)
        data = {"command": command, "status": ran.status}
        take(
            app,
            task,
            Step.CHECK_FAILED,
            seen=task,
            drafts=(told,),
            data=data,
            reason=why,
            reviewed_oid=None,
            reviewer=None,
        )
    raise refused(
        "check-failed",
        f"cannot merge {task.label}: {why}",
        f"git agent merge {task.id} --no-check" if dry_run else f"mend it in {task.worktree}, then git agent done",
        ran.tail,
    )
